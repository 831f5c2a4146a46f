/* A concurrency model: where a connection waits. Holds no HTTP: all it does with a connection goes through drive(),
   serve() or, for completion-based kernels, conn_next() and conn_done(). To add one: a file in src/backend/, a line in
   its list.c. */
#ifndef BACKEND_H
#define BACKEND_H

#include "host/listener.h"

#include <stdbool.h>
#include <stddef.h>

struct worker;
struct client;

/* All are called in the worker's own thread. */
struct backend {
    const char *name, *summary;
    size_t client_memory; /* what a client takes at most besides what each does in every model */
    /* System calls that it makes and other models don't, up to FILTER_END: the sandbox lets them through. NULL: none. */
    const int *calls;
    /* Prepares the model for this worker; may lower worker->clients.capacity. NULL after say() on failure. */
    void *(*open)(struct worker *worker);
    /* One round: waits until there is something to do, at most worker_timeout(), and does it: serves the clients that
       can move, tells those whose deadline has passed. Returns the listeners at which somebody waits, or may wait; they
       are only watched when `accepting`. worker->wake_fd is always watched. */
    listener_set (*wait)(void *self, bool accepting);
    /* Takes a client that the worker has accepted. */
    void (*take)(void *self, struct client *client);
    /* Lets one client go (conn_drain): at once if it is idle, else when its exchange ends. */
    void (*drain)(void *self, struct client *client);
    /* Has clients that live in other processes renew what they are served from. NULL: there are none. */
    void (*renew)(void *self);
    /* Gives everything back. Clients that are left are the worker's to close, unless they live in threads or children
       of the model's: then it ends those first. */
    void (*close)(void *self);
};

#endif
