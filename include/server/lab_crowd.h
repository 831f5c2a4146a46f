/* The clients that an experiment sets beside the honest one. */
#ifndef LAB_CROWD_H
#define LAB_CROWD_H

#include "observe/experiments.h"

#include <sys/types.h>

enum { LAB_PATIENCE_MS = 1000 };

/* A connection to this machine's port, with LAB_PATIENCE_MS for what it does. -1: there is none. */
int lab_connect(int port, const char *request);

/* Starts the crowd in a process of its own, which others may be children of, and which is to be ended by SIGKILL.
 *there_fd: its other end is closed once the crowd has taken its places. -1 with errno. */
pid_t lab_crowd_start(const struct experiment *experiment, int port, const char *folder, int *there_fd);

#endif
