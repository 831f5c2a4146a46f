/* The whole server: listening sockets, workers, the banner. */
#ifndef SERVER_H
#define SERVER_H

#include "server/config.h"

/* Serves until told to stop. The command line is read again when asked for, and what a successor is started with.
   Returns the exit status: 0, or 1 after say() when it can't start. */
int server_run(struct config *config, int argc, char **argv);

#endif
