/* All connections wait in one poll(2) over an array that says what each of them wants. The kernel reads the whole array
   at each call, and so do we: the cost of a wake-up grows with the connections that are open. */
#define _GNU_SOURCE
#include "base/check.h"
#include "host/door.h"

#include <errno.h>
#include <stdlib.h>

struct polled {
    struct worker *worker;
    unsigned count; /* clients served; the one at i polls in fds[i] and knows i as its `model` */
    struct client **clients;
    struct pollfd fds[];
};

static void *poll_open(struct worker *worker) {
    unsigned capacity = worker->clients.capacity;
    struct polled *self = malloc(sizeof *self + (DOOR_FDS + capacity) * sizeof(struct pollfd));
    struct client **clients = malloc(capacity * sizeof(struct client *));
    if (!self || !clients) {
        free(self);
        free(clients);
        return worker_no_memory(worker);
    }
    *self = (struct polled){.worker = worker, .clients = clients};
    return self;
}

static void poll_remove(struct polled *self, unsigned i) {
    unsigned last = --self->count;
    self->clients[i] = self->clients[last];
    self->clients[i]->model = (int)i;
    self->fds[i] = self->fds[last];
}

static void poll_wants(struct polled *self, unsigned i, enum drive_want want) {
    if (want == WANT_NOTHING)
        poll_remove(self, i);
    else /* poll(2) passes over a descriptor below 0 */
        self->fds[i] = (struct pollfd){.fd = door_fd(self->clients[i], want), .events = door_events(want)};
}

static void poll_turn(struct polled *self, struct client *client) {
    unsigned i = (unsigned)client->model;
    poll_wants(self, i, worker_turn(self->worker, client));
}

/* From the last to the first, so that a client that leaves is replaced by one that has had its turn. */
static void poll_serve(struct polled *self, int ready) {
    for (unsigned i = self->count; ready > 0 && i-- > 0;) {
        if (!self->fds[i].revents)
            continue;
        ready--;
        poll_turn(self, self->clients[i]);
    }
}

/* The limit of descriptors was lowered below what is open, and poll(2) takes no more than that: after a nap all is
   tried in turn, ready or not. */
static int poll_try_all(struct pollfd *fds, nfds_t count) {
    enum { NAP_MS = 10 };
    poll(NULL, 0, NAP_MS);
    for (nfds_t i = 0; i < count; i++)
        fds[i].revents = fds[i].events;
    return (int)count;
}

static listener_set poll_wait(void *model, bool accepting) {
    struct polled *self = model;
    struct worker *worker = self->worker;
    struct client *client;
    unsigned cursor = 0;
    struct pollfd *door = self->fds + self->count;
    nfds_t door_count = door_fill(worker, door, accepting);
    worker_calls(worker, CALL_POLL);
    int ready = poll(self->fds, self->count + door_count, worker_event_timeout(worker));
    worker_called(worker, CALL_POLL, ready);
    CHECK(ready >= 0 || errno == EINTR || errno == ENOMEM || errno == EINVAL);
    if (ready < 0 && errno == EINVAL)
        ready = poll_try_all(self->fds, self->count + door_count);
    worker_round(worker);
    listener_set rings = ready > 0 ? door_rings(worker, door, door_count) : 0;
    if (ready > 0)
        poll_serve(self, ready);
    while ((client = worker_loaded(worker)))
        poll_turn(self, client);
    while ((client = clients_expired(&worker->clients, worker->env.clock.now_ms, &cursor))) {
        unsigned i = (unsigned)client->model;
        poll_wants(self, i, worker_timed_out(worker, client));
    }
    while ((client = worker_next_turn(worker)))
        poll_turn(self, client);
    return rings;
}

static void poll_take(void *model, struct client *client) {
    struct polled *self = model;
    unsigned i = self->count++;
    self->clients[i] = client;
    client->model = (int)i;
    poll_wants(self, i, WANT_READ);
}

static void poll_drain(void *model, struct client *client) {
    struct polled *self = model;
    conn_drain(&client->conn);
    poll_turn(self, client);
}

static void poll_close(void *model) {
    free(((struct polled *)model)->clients);
    free(model);
}

const struct backend poll_backend = {
    .name = "poll",
    .summary = "all connections in one poll array",
    .client_memory = sizeof(struct pollfd) + sizeof(struct client *),
    .open = poll_open,
    .wait = poll_wait,
    .take = poll_take,
    .drain = poll_drain,
    .close = poll_close,
};
