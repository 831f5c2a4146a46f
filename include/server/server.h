/* The whole server: listening sockets, workers, the banner. */
#ifndef SERVER_H
#define SERVER_H

#include "server/config.h"

/* Serves until told to stop; when told so, argv is read again. Returns the exit status: 0, or 1 after say() when it
 * can't start. */
int server_run(const struct config *config, int argc, char **argv);

#endif
