/* --daemon: the server goes on in the background, in a session of its own, and the command ends once that serves. */
#ifndef DAEMON_H
#define DAEMON_H

struct daemon {
    int starter_fd; /* where the command waits; -1: nobody does */
    int nothing_fd; /* /dev/null */
};

/* Returns in the process that is to serve; what it says still goes where the command's did. The command waits for
   daemon_serves, then exits with 0, or with `daemon_failed`'s status. Before there are threads. -errno: can't fork. */
int daemon_open(struct daemon *daemon);

/* The calling process, the server or its steward, lets go of the terminal: standard streams that are no files become
   /dev/null. Nothing where there is no command that waits. */
void daemon_detach(const struct daemon *daemon);

/* The server lets go of the terminal, and lets the command end. */
void daemon_serves(struct daemon *daemon);

/* Has the command end with that status, when there was no daemon_serves. */
void daemon_failed(struct daemon *daemon, int status);

#endif
