/* One client at a time: a connection waits in poll(2) on its own descriptor, and the next client waits for it.

   It would be of no use with browsers, which keep silent connections open, but for the rule that holds in every model
   when all places are taken (there is one here): replies say Connection: close, and a client that waits for its next
   request makes room as soon as somebody is at the door. */
#define _GNU_SOURCE
#include "host/door.h"

#include <errno.h>
#include <stdlib.h>

struct blocking {
    struct worker *worker;
    struct client *client; /* the one that is served */
};

static void *blocking_open(struct worker *worker) {
    struct blocking *self = malloc(sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    *self = (struct blocking){worker, NULL};
    worker->clients.capacity = 1;
    worker_loads_in_place(worker);
    return self;
}

/* Waits for the client; but looks after the door and the signals, as nobody else is there to do it. */
static int blocking_wait_for(void *ctx, struct client *client, enum drive_want want) {
    struct blocking *self = ctx;
    struct worker *worker = self->worker;
    struct pollfd fds[DOOR_FDS + 1];
    clients_note(&worker->clients, client);
    for (;;) {
        nfds_t door = door_fill(worker, fds, worker_accepting(worker));
        fds[door] = (struct pollfd){.fd = door_fd(client, want), .events = door_events(want)};
        drive_note(&worker->drive, client, EVENT_CALL, CALL_POLL);
        int ready = poll(fds, door + 1, want == WANT_TURN ? 0 : worker_client_timeout(worker, client));
        drive_note_result(&worker->drive, client, EVENT_RETURNED, CALL_POLL, ready, 0);
        clock_update(&worker->env.clock);
        if (ready > 0 && door_rings(worker, fds, door))
            worker_make_room(worker);
        worker_between_rounds(worker);
        if (worker->draining && worker->env.clock.now_ms >= worker->drain_until_ms)
            return -ETIMEDOUT; /* also of one that takes whatever it is sent, and never has to be waited for */
        if (want == WANT_TURN || conn_leaving(&client->conn) || (ready > 0 && fds[door].revents))
            return 0;
        if (worker->env.clock.now_ms >= conn_deadline(&client->conn))
            return -ETIMEDOUT;
    }
}

static listener_set blocking_wait(void *model, bool accepting) {
    struct blocking *self = model;
    struct worker *worker = self->worker;
    struct pollfd fds[DOOR_FDS];
    if (self->client) {
        serve(&worker->drive, self->client, blocking_wait_for, self);
        worker_hang_up(worker, self->client);
        self->client = NULL;
        return worker->draining ? 0 : LISTENERS_ALL;
    }
    nfds_t door = door_fill(worker, fds, accepting);
    worker_calls(worker, CALL_POLL);
    int ready = poll(fds, door, worker_timeout(worker));
    worker_called(worker, CALL_POLL, ready);
    clock_update(&worker->env.clock);
    return ready > 0 ? door_rings(worker, fds, door) : 0;
}

static void blocking_take(void *model, struct client *client) {
    ((struct blocking *)model)->client = client;
}

static void blocking_drain(void *model, struct client *client) {
    (void)model;
    conn_drain(&client->conn);
}

const struct backend blocking_backend = {
    .name = "blocking",
    .summary = "one client at a time; the next one waits",
    .open = blocking_open,
    .wait = blocking_wait,
    .take = blocking_take,
    .drain = blocking_drain,
    .close = free,
};
