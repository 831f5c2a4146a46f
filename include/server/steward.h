/* A process beside the server that stays outside of its sandbox and keeps its rights: it does the few things that the
   server may not, from what it knew before anybody could ask for anything. It starts new versions of the program, makes
   and removes the pid file, removes the names of unix sockets. It ends with the server, whatever ends that. Without one
   the server does all of this itself. */
#ifndef STEWARD_H
#define STEWARD_H

#include "server/daemon.h"
#include "server/pid_file.h"
#include "server/upgrade.h"

#include <pthread.h>

/* What it does it with: its own copies, from when it was made. */
struct steward_duties {
    struct upgrade *upgrade;
    struct listeners *listeners;
    struct pid_file *pid_file;
    struct daemon *daemon;
    const char *pid_path;
    bool successor;
};

struct steward {
    struct steward_duties duties;
    int fd; /* -1: there is none */
    pthread_mutex_t lock;
};

/* Without a process yet. */
void steward_init(struct steward *steward, const struct steward_duties *duties);

/* Makes the process. To be called with one thread, once the listeners are open and before any right is given up. False
   after say(). */
bool steward_open(struct steward *steward);

/* What it is asked for; or what is done here, without one. */

/* upgrade_spawn(); the listeners are the server's. */
pid_t steward_spawn(struct steward *steward, int report_fd);

/* Signals what was spawned last. */
void steward_kill(struct steward *steward, pid_t pid, int number);

/* The server serves: pid_file_open(), and the steward of a daemon lets go of the terminal. */
bool steward_serves(struct steward *steward);

/* The server ends: the names of `own` sockets and the pid file are removed, and the steward ends. */
void steward_close(struct steward *steward, listener_set own);

#endif
