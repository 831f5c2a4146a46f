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

/* The file of the access log. NULL: there is none, or it is standard output. */
const char *logs_access_file(const struct config *config);

/* The format of the config's lines, which stays as long as the process; NULL: none are wanted, or there is no memory.
   In one thread at a time. */
const struct log_format *logs_format(const struct config *config);

/* Opens the error log, before anything is said. False after say(). */
bool logs_open_errors(const struct config *config);

/* Opens the access log, if there is to be one, for observed->log, completes the settings, and has SIGUSR1 open both
   again. False after say(). */
bool logs_open(struct config *config, struct observed *observed);

/* Has it written from now on: in a thread, which is in the sandbox, if there is one. False after say(). */
bool logs_start(struct observed *observed);

/* What a reload finds changed is opened first, so that it can fail before anything has. */
struct logs_renewal {
    bool errors_move, access_moves;
    int errors_fd;
    struct log_writer access; /* at such a place */
};

/* False, with one line in `error` and nothing to be taken or dropped. */
bool logs_renewal_open(struct logs_renewal *renewal, const struct config *config, char *error, size_t error_size);

/* Both logs go on as the config says: what is said, where, and where lines go. What the process wasn't made for at its
   start stays off. */
void logs_renewal_take(const struct logs_renewal *renewal, const struct config *config);
void logs_renewal_drop(const struct logs_renewal *renewal);

/* In a forked child, which has an error log of its own, and no more. */
void logs_renew_child(const struct config *config);

/* Opens both again, in a moment. */
void logs_reopen(void);

/* When nobody is served any more: what is left is written. If not `unused`, a reload that hangs may yet go on, and
   renew them. */
void logs_close(struct observed *observed, bool unused);

#endif
