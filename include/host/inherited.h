/* Listening sockets that this process was started with: from a service manager (LISTEN_FDS, see sd_listen_fds(3)), or
   from the server that it is to replace, which tells of them in a variable of our own. */
#ifndef INHERITED_H
#define INHERITED_H

#include "host/listener.h"

struct socket_address;

struct inherited_socket {
    int fd;
    const char *name; /* as the service manager calls it; NULL: our predecessor opened it, by its command line */
    bool chosen;      /* the kernel picked the port */
    bool taken;       /* is listened at again */
};

/* In the order of the predecessor's listeners. */
struct inherited {
    struct inherited_socket sockets[LISTEN_MAX];
    int count;
    char *names;        /* what those point into: as long as the process lives */
    int predecessor_fd; /* where it is told that this process is ready; -1: there is none */
};

/* Reads the environment and removes from it what was read; the descriptors become non-blocking and close-on-exec. Where
   there is nothing, the set is empty. False, with one line in `error`: one of them is no listening stream socket. */
bool inherited_read(struct inherited *inherited, char *error, size_t error_size);

/* The descriptor of the socket at that place in the set, which counts as taken from now on. */
int inherited_take(struct inherited *inherited, int place);

/* The place of a socket of the predecessor's that is bound to `address` and not taken; -1: there is none. `chosen`: an
   address with port 0 stands for whatever port the kernel picked then. */
int inherited_find(const struct inherited *inherited, const struct socket_address *address, bool chosen);

/* Those that have been taken, by their places. */
listener_set inherited_taken(const struct inherited *inherited);

/* Closes the others. */
void inherited_close(struct inherited *inherited);

/* "NAME=VALUE" for the environment of a successor that is given `listeners`. */
enum { INHERITED_TEXT_MAX = 64 + LISTEN_MAX * (256 + 16) };
void inherited_write(const struct listeners *listeners, int predecessor_fd, char *text, size_t size);

#endif
