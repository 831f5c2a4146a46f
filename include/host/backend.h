/* A concurrency model: where a connection waits. Knows nothing of HTTP: all it does with a connection goes through
   drive(), serve() or, where the kernel does the ops (io_uring), conn_next(), conn_feed() and conn_done(). To add one:
   a file in src/backend/, a line in its list.c. */
#ifndef BACKEND_H
#define BACKEND_H

#include "host/listener.h"

#include <stdbool.h>
#include <stddef.h>

struct worker;
struct client;

/* All functions are called in the worker's own thread. `self` is what open returned. */
struct backend {
    const char *name, *summary;
    size_t client_memory; /* bytes that a client takes at most, besides what it takes in every model */
    /* System calls that not every model makes, up to FILTER_END: the sandbox lets them through. NULL: none. */
    const int *calls;
    /* Prepares the model for this worker; may lower worker->clients.capacity. NULL after say() on failure. */
    void *(*open)(struct worker *worker);
    /* One round: waits until there is something to do, no longer than worker_timeout() or one like it says, and does
       it: serves the clients that can move, tells those whose deadline has passed. Returns the listeners at which
       somebody waits, or may wait (accepting will tell). They are only watched when `accepting`, worker->wake_fd
       always. */
    listener_set (*wait)(void *self, bool accepting);
    /* Takes a client that the worker has accepted; may serve it at once, or hang it up. */
    void (*take)(void *self, struct client *client);
    /* Lets one client go (conn_drain): at once if it is idle, else when its exchange ends. */
    void (*drain)(void *self, struct client *client);
    /* Has clients that live in other processes renew what they are served from. NULL: there are none. */
    void (*renew)(void *self);
    /* Frees what open made. Clients that are left are hung up by the worker; but if they live in threads or children of
       the model's, it ends those itself, and no client is left. */
    void (*close)(void *self);
};

#endif
