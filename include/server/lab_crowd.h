/* The clients that an experiment sets beside the honest one. */
#ifndef LAB_CROWD_H
#define LAB_CROWD_H

#include <sys/types.h>

struct lab_crowd {
    const char *name, *what, *expected;
    void (*come)(int port); /* takes its places, */
    void (*stay)(int port); /* and stays; NULL: silently */
};

/* Ends with a row without a name. */
extern const struct lab_crowd lab_crowds[];

/* A connection to this machine's port, with a deadline on what it does. -1: there is none. */
int lab_connect(int port, const char *request);

/* Starts the crowd in a process of its own, and waits until it is there. -1 with errno. */
pid_t lab_crowd_start(const struct lab_crowd *crowd, int port);

#endif
