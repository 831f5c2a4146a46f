/* The access log and the error log, as the user wants them. */
#ifndef LOGS_H
#define LOGS_H

#include "observe/observer.h"
#include "server/config.h"
#include "server/option.h"

/* Readers for rows: --access-log and --log-format. */
bool logs_read_path(const struct option_given *given);
bool logs_read_format(const struct option_given *given);

/* What follows from the options taken together. False with one line in `error`. */
bool logs_settle(struct config *config, char *error, size_t error_size);

/* Opens the error log, before anything is said. False after say(). */
bool logs_open_errors(const struct config *config);

/* Opens the access log, if there is to be one, for observed->log, and has SIGUSR1 open both again. False after say().
 */
bool logs_open(const struct config *config, struct observed *observed);

/* Has it written from now on: in a thread, which is in the sandbox, if there is one. False after say(). */
bool logs_start(struct observed *observed);

/* When nobody is served any more: what is left is written. */
void logs_close(struct observed *observed);

#endif
