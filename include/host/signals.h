/* What signals ask for, noted by handlers and looked up by the server and its workers:
   SIGTERM, SIGINT   to finish; a second one ends the process at once
   SIGHUP            to read the configuration again; but to finish, if it is sent as the terminal goes away
   SIGUSR1           to open the logs again
   SIGUSR2           to be replaced by a new process
   In a forked child SIGTERM only ends the wait: client->leave says whether it is to go. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* Installs the handlers, ignores SIGPIPE, leaves SIGHUP ignored if it is (nohup), and has the kernel reap children that
   nobody here waits for. */
void signals_init(void);

/* Whether the server has been asked to finish; and to ask it to. */
bool signals_stopping(void);
void signals_stop(void);

/* Has the server finish as one that has a successor: the next SIGTERM is its first. False: it has been asked to finish
   before, for good. */
bool signals_hand_over(void);
bool signals_handed_over(void);

/* Whether SIGUSR2 has come since this was asked last. */
bool signals_take_upgrade(void);

/* How often a reload has been asked for, so far. */
unsigned signals_reloads(void);

/* Has each signal make `fd`, an eventfd, readable, besides those that it was told of before. A forked child begins with
   signals_forget: none of its parent's. */
void signals_wake(int fd);
void signals_forget(void);

/* Has SIGUSR1, which is ignored otherwise, call this in its handler. */
void signals_on_reopen(void (*reopen)(void));

/* Has SIGCHLD wake too: the caller reaps from now on, all children of its thread, its own or adopted. */
void signals_watch_children(void);

#endif
