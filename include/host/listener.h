/* Listening sockets. */
#ifndef LISTENER_H
#define LISTENER_H

#include "base/bounds.h"
#include "host/local_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listeners {
    int fd[LISTEN_MAX];
    int count;
    bool chosen[LISTEN_MAX]; /* the kernel picked the port */
    struct local_socket local[LISTEN_MAX];
};

/* A set of them: a bit for each, by its place. */
typedef uint32_t listener_set;
enum { LISTENERS_ALL = (1 << LISTEN_MAX) - 1 };

/* Whether `spec` has a form that listeners_open takes; whether it can be opened is another matter. */
bool listener_spec_ok(const char *spec);

/* Opens non-blocking, close-on-exec listening sockets for `specs` (HOST:PORT, [V6]:PORT, :PORT, unix:PATH[,mode=660]),
   or, when there are none, every interface at `port`, with a socket for each of IPv4 and IPv6 that the kernel has.
   TCP_NODELAY and TCP_NOTSENT_LOWAT are set on them: accepted sockets inherit them. On failure closes what it opened,
   writes one line to `error` that says what to do (a port in use: which process holds it, from /proc, and how to choose
   another; a privileged port: so), and returns false. What is in use is tried again for IN_USE_WAIT_MS before. A stale
   unix socket that nobody answers at is replaced; a live one is an error. */
bool listeners_open(struct listeners *listeners, const char *const *specs, int spec_count, int port, char *error,
                    size_t error_size);

/* Closes them, and unlinks the unix sockets whose paths are still theirs. */
void listeners_close(struct listeners *listeners);

#endif
