/* SIGTERM and SIGINT ask the server to finish; a second one ends it at once. SIGUSR2 asks for its replacement, SIGUSR1
   has logs opened again. SIGHUP asks it to read its configuration again; unless it comes from a terminal that goes away,
   which ends what runs on it. A forked child is only woken. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* Installs the handlers, ignores SIGPIPE, leaves SIGHUP ignored where it is (nohup), and has children reaped that
 * nobody here waits for. */
void signals_init(void);

/* Whether the server has been asked to finish; and to ask it from within. */
bool signals_stopping(void);
void signals_stop(void);

/* Has the server finish as one that has a successor: the next SIGTERM is its first. False: it has been asked to finish
   before, for good. */
bool signals_hand_over(void);
bool signals_handed_over(void);

/* Whether SIGUSR2 has come since this was asked last. */
bool signals_take_upgrade(void);

/* How often a reload has been asked for. */
unsigned signals_reloads(void);

/* Has each signal make `fd`, an eventfd, readable. A forked child begins with signals_forget. */
void signals_wake(int fd);
void signals_forget(void);

/* Has SIGUSR1, which is ignored else, call this in its handler. */
void signals_on_reopen(void (*reopen)(void));

/* Has SIGCHLD wake too: the caller reaps from now on, all children of its thread, its own or adopted. */
void signals_watch_children(void);

#endif
