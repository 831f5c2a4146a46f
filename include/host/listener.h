/* Listening sockets. */
#ifndef LISTENER_H
#define LISTENER_H

#include "base/bounds.h"
#include "host/local_socket.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of listeners: bit i stands for listeners.fd[i]. */
typedef uint32_t listener_set;
enum { LISTENERS_ALL = (1 << LISTEN_MAX) - 1 };

struct listeners {
    int fd[LISTEN_MAX];
    int count;
    bool chosen[LISTEN_MAX];      /* the kernel picked the port */
    const char *name[LISTEN_MAX]; /* as the service manager calls it that handed it over; NULL: it is the server's */
    struct local_socket local[LISTEN_MAX];
    _Atomic listener_set shared; /* another process listens there, too, or will: see listeners_share */
    atomic_int reports[2];       /* see listeners_note_report: each plus 1; 0: none */
};

struct inherited;

/* Whether `spec` has a form that listeners_open takes; whether it can be opened is another matter. */
bool listener_spec_ok(const char *spec);

/* Opens listening sockets, non-blocking and close-on-exec, for `specs`: HOST:PORT, [V6]:PORT, :PORT,
   unix:PATH[,mode=660], fd:NAME. Without any: every interface at `port`, with a socket for each of IPv4 and IPv6 that
   the kernel has. Accepted sockets inherit TCP_NODELAY and TCP_NOTSENT_LOWAT from them.

   Of the inherited sockets, those of a predecessor are listened at in place of new ones at the same addresses; those of
   a service manager in place of all that is asked for, unless some spec picks among them by name (fd:NAME). The others
   are closed.

   What is in use is tried again for IN_USE_WAIT_MS. A stale unix socket, that nobody answers at, is replaced; a live
   one is an error. False, with all closed and one line in `error` that says what to do (a port in use: which process
   holds it, and how to choose another; a privileged port: so). */
bool listeners_open(struct listeners *listeners, const char *const *specs, int spec_count, int port,
                    struct inherited *inherited, char *error, size_t error_size);

/* Marks listeners that other processes have too: a stop leaves their names and their queues as they are. Those of a
   predecessor are so until listeners_own is called, those of a service manager always. listeners_own_but takes back all
   others than `set`. */
void listeners_share(struct listeners *listeners, listener_set set);
void listeners_own_but(struct listeners *listeners, listener_set set);
void listeners_own(struct listeners *listeners);

static inline bool listeners_shared(const struct listeners *listeners, int i) {
    return atomic_load(&listeners->shared) >> i & 1;
}

/* The two ends by which a new process reports are open, or, each -1, are about to be closed. A child that is forked to
   serve a client lets go of its copies: they would outlive what is at the ends, which then isn't missed. */
void listeners_note_report(struct listeners *listeners, int near, int far);
void listeners_drop_report(const struct listeners *listeners);

/* The unix sockets whose names are the server's to remove: the caller's to do, from now on, not listeners_close's. */
listener_set listeners_take_names(struct listeners *listeners);

/* Closes all, and unlinks the unix sockets whose paths still lead to them. */
void listeners_close(struct listeners *listeners);

#endif
