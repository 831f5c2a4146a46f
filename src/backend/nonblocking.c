/* A connection waits nowhere: every socket, the door included, is tried in turn, and none is asked beforehand whether
   it is ready. When a whole sweep moved nothing the sweeper naps, longer each time, so that an idle server costs next
   to nothing; the longest nap is the price that the first request after a pause pays. */
#define _GNU_SOURCE
#include "host/door.h"

#include <stdlib.h>

enum { NAP_LEAST_US = 50, NAP_MOST_US = 10000 };

struct sweep {
    struct worker *worker;
    unsigned nap_us; /* the last one */
    unsigned count;
    struct client *clients[]; /* those that are served, in no order; each knows its place as its `model` */
};

static void *nonblocking_open(struct worker *worker) {
    struct sweep *self = malloc(sizeof *self + worker->clients.capacity * sizeof(struct client *));
    if (!self)
        return worker_no_memory(worker);
    *self = (struct sweep){.worker = worker};
    return self;
}

static void nonblocking_nap(struct sweep *self) {
    struct pollfd wake = {.fd = self->worker->wake_fd, .events = POLLIN};
    self->nap_us = self->nap_us ? self->nap_us * 2 : NAP_LEAST_US;
    if (self->nap_us > NAP_MOST_US)
        self->nap_us = NAP_MOST_US;
    struct timespec nap = {.tv_nsec = self->nap_us * 1000L};
    worker_calls(self->worker, CALL_NAP);
    int woken = ppoll(&wake, 1, &nap, NULL);
    worker_called(self->worker, CALL_NAP, woken);
    if (woken > 0) {
        worker_woken(self->worker);
        self->nap_us = 0;
    }
}

static void nonblocking_turn(struct sweep *self, struct client *client) {
    struct worker *worker = self->worker;
    unsigned i = (unsigned)client->model;
    enum drive_want want = worker_turn(worker, client);
    if (want != WANT_NOTHING && worker_is_late(worker, client))
        want = worker_timed_out(worker, client);
    if (want != WANT_NOTHING)
        return;
    self->clients[i] = self->clients[--self->count];
    self->clients[i]->model = (int)i;
}

static listener_set nonblocking_wait(void *model, bool accepting) {
    struct sweep *self = model;
    struct worker *worker = self->worker;
    uint64_t moves = worker->drive.moves;
    unsigned count = self->count;
    struct client *client;
    worker_round(worker);
    for (unsigned i = self->count; i-- > 0;)
        nonblocking_turn(self, self->clients[i]);
    while (worker_loaded(worker)) /* the next sweep comes to them */
        worker->drive.moves++;
    while ((client = worker_next_turn(worker)))
        nonblocking_turn(self, client);
    /* The door moved if the worker let somebody in since the last sweep, which shows in the first try at his socket. */
    if (worker->drive.moves == moves && self->count == count)
        nonblocking_nap(self);
    else
        self->nap_us = 0;
    return accepting ? LISTENERS_ALL : 0;
}

static void nonblocking_take(void *model, struct client *client) {
    struct sweep *self = model;
    client->model = (int)self->count;
    self->clients[self->count++] = client;
    self->nap_us = 0;
}

static void nonblocking_drain(void *model, struct client *client) {
    (void)model;
    conn_drain(&client->conn); /* the next sweep finds it closing */
}

const struct backend nonblocking_backend = {
    .name = "nonblocking",
    .summary = "every socket tried in turn, with a nap when none moved",
    .client_memory = sizeof(struct client *),
    .open = nonblocking_open,
    .wait = nonblocking_wait,
    .take = nonblocking_take,
    .drain = nonblocking_drain,
    .close = free,
};
