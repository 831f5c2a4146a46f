/* An upgrade: SIGUSR2 has a new process of the program at the same path, with the same command line, take the listening
   sockets over, and this one finish once that one serves. If it doesn't come to that, this one goes on. */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "host/inherited.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

struct steward;

struct upgrade {
    struct steward *steward; /* starts it for us, if need be */
    char path[PATH_MAX];
    char **argv;
    struct listeners *listeners; /* shared with the successor once it has told which it took */
    pthread_t thread;
    bool quiet, joinable;
    atomic_bool under_way;
};

/* Remembers what to start: now, as the file at the program's path may be another later. */
void upgrade_open(struct upgrade *upgrade, char **argv, struct listeners *listeners, struct steward *steward,
                  bool quiet);

/* Starts the new process, which gets the listeners and `fd` to report at. Returns its pid, or -errno. */
pid_t upgrade_spawn(const struct upgrade *upgrade, int fd);

/* SIGUSR2 has come. Returns at once; what comes of it is said, if `quiet` only what went wrong. */
void upgrade_begin(struct upgrade *upgrade);

/* At the end: one that is under way is given up. */
void upgrade_close(struct upgrade *upgrade);

/* Tells the process that this one is to replace, if there is one, that it is ready, and waits until that has let go.
   False after say(): this one has been told to stop, and that one goes on. */
bool upgrade_report(struct inherited *inherited, struct listeners *listeners);

#endif
