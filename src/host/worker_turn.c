/* Whose turn it is, and for how much. A client is driven when it has got something to do. If it has more to move than a
   light share it gets in line; those in line have their turns after all the others, as long as the round lasts. A
   client that needs a load is parked: it stands in the load's waiters until that is done. */
#include "host/worker.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
    LIGHT_SHARE = 32 * 1024,        /* of a client that has got something to do: all that most need */
    TURN_SHARE = 128 * 1024,        /* of a client in line, in one turn */
    ROUND_SHARE = 512 * 1024,       /* of all in a round: a small reply waits for no more, some 100 us */
    SEQUENTIAL_SHARE = 1024 * 1024, /* of a client that nobody else waits for */
    SPARED_MS = 1000,               /* see worker_spares */
};

/* Where nobody else waits for the load either, it is taken back, unless somebody is at it. */
static void worker_stop_waiting(struct worker *worker, struct client *client) {
    struct load *load = client->load;
    struct client **at = &load->waiters;
    while (*at != client)
        at = &(*at)->next_waiter;
    *at = client->next_waiter;
    client->parked = false;
    if (!load->waiters && loaders_withdraw(worker->shared.loaders, load))
        worker->loading--;
}

/* The client waits for its load no longer; others may. */
static void worker_unpark(struct worker *worker, struct client *client) {
    if (client->parked)
        worker_stop_waiting(worker, client);
    load_put(client->load);
    client->load = NULL;
}

void worker_hang_up(struct worker *worker, struct client *client) {
    if (client->load)
        worker_unpark(worker, client);
    /* Where there is a lock, this is the client's own thread. */
    bool apart = worker->env.lock != NULL;
    observer_note(&worker->observer, EVENT_CALL, CALL_CLOSE, client->index, apart, client->fd, 0, 0);
    int result = close(client->fd);
    observer_note(&worker->observer, EVENT_RETURNED, CALL_CLOSE, client->index, apart, client->fd, result, 0);
    conn_close(&client->conn);
    clients_drop(&worker->clients, client);
    worker->rest_until_ms = 0;
}

void worker_loads_in_place(struct worker *worker) {
    worker->drive.may_wait = true;
    worker->drive.share = SEQUENTIAL_SHARE;
}

void worker_round(struct worker *worker) {
    clock_update(&worker->env.clock);
    worker->round_began_ns = worker->env.clock.now_ns;
    worker->drive.share = LIGHT_SHARE;
    worker->drive.light = true;
    worker->round_left = ROUND_SHARE;
}

/* A load that took more than its lane may spend goes on in LANE_FILES, and its waiters wait on; without any it is taken
   back, as it would be from a lane. False: it is done. */
static bool worker_goes_on(struct worker *worker, struct load *load) {
    if (!load->undone)
        return false;
    load->undone = false;
    load->lane = LANE_FILES;
    if (!load->waiters) {
        load->state = LOAD_NEW;
        worker->loading--;
    } else if (!loaders_submit(worker->shared.loaders, load, &worker->loads)) {
        load_work(load);
        return false;
    }
    load_put(load);
    return true;
}

/* Finishes the loads that have been done, and puts those who waited for them into worker->resumed. */
static void worker_collect(struct worker *worker) {
    struct load *next;
    for (struct load *load = loads_take(&worker->loads); load; load = next) {
        next = load->next;
        if (worker_goes_on(worker, load))
            continue;
        struct client *waiter = load->waiters;
        load->waiters = NULL;
        load_done(load);
        while (waiter) {
            struct client *client = waiter;
            waiter = client->next_waiter;
            client->parked = false;
            client->next_waiter = worker->resumed;
            worker->resumed = client;
        }
        worker->loading--;
        load_put(load);
    }
}

struct client *worker_loaded(struct worker *worker) {
    if (!worker->resumed)
        worker_collect(worker);
    struct client *client = worker->resumed;
    if (client)
        worker->resumed = client->next_waiter;
    return client;
}

struct client *worker_next_turn(struct worker *worker) {
    struct client *client = worker->round_left > 0 ? worker->line : NULL;
    if (!client)
        return NULL;
    worker->line = client->next;
    if (!worker->line)
        worker->line_end = &worker->line;
    client->in_line = false;
    worker->drive.share = TURN_SHARE;
    worker->drive.light = false;
    return client;
}

static void worker_queue(struct worker *worker, struct client *client) {
    client->in_line = true;
    client->next = NULL;
    *worker->line_end = client;
    worker->line_end = &client->next;
}

/* Has the client wait for its load, which is begun if nobody has. False: it is done already, in place, as there is no
   loader. */
static bool worker_park(struct worker *worker, struct client *client) {
    struct load *load = client->load;
    if (load->state == LOAD_NEW) {
        if (!loaders_submit(worker->shared.loaders, load, &worker->loads)) {
            uint64_t began_ns = observer_now(&worker->observer);
            drive_note(&worker->drive, client, EVENT_LOAD, 0);
            observer_listen(&worker->observer, client->index, false, false);
            load_work(load);
            observer_hush();
            drive_note(&worker->drive, client, EVENT_LOADED, 0);
            observer_count_load(&worker->observer, began_ns);
            load_done(load);
            return false;
        }
        worker->loading++;
    }
    client->next_waiter = load->waiters;
    load->waiters = client;
    client->parked = true;
    return true;
}

bool worker_note_want(struct worker *worker, struct client *client, enum drive_want want) {
    size_t done = worker->drive.done;
    worker->round_left -= done < worker->round_left ? done : worker->round_left;
    if (want == WANT_TURN)
        worker_queue(worker, client);
    clients_note(&worker->clients, client);
    return want != WANT_LOAD || worker_park(worker, client);
}

enum drive_want worker_turn(struct worker *worker, struct client *client) {
    enum drive_want want;
    if (client->in_line || client->parked)
        return client->in_line ? WANT_TURN : WANT_LOAD;
    do
        want = drive(&worker->drive, client);
    while (want != WANT_NOTHING && !worker_note_want(worker, client, want));
    if (want == WANT_NOTHING)
        worker_hang_up(worker, client);
    return want;
}

bool worker_tell_error(struct worker *worker, struct client *client, int error) {
    if (client->in_line)
        return false;
    if (client->load)
        worker_unpark(worker, client);
    conn_done(&client->conn, error);
    return true;
}

bool worker_can_move(struct client *client) {
    struct conn_op op;
    if (client->in_line || client->parked)
        return false;
    conn_next(&client->conn, &op);
    struct pollfd fd = {.fd = client->fd, .events = op.kind == OP_RECV ? POLLIN : POLLOUT};
    return poll(&fd, 1, 0) > 0;
}

enum drive_want worker_timed_out(struct worker *worker, struct client *client) {
    if (worker_can_move(client)) {
        enum drive_want want = worker_turn(worker, client);
        if (want == WANT_NOTHING || !worker_is_late(worker, client))
            return want;
    }
    worker_tell_error(worker, client, -ETIMEDOUT);
    return worker_turn(worker, client);
}

bool worker_spares(struct worker *worker, struct client *client, uint32_t *spared_ms) {
    uint32_t deadline_ms = (uint32_t)conn_deadline(&client->conn);
    if (*spared_ms == deadline_ms || !worker_can_move(client))
        return false;
    *spared_ms = deadline_ms;
    clients_note_until(&worker->clients, client, worker->env.clock.now_ms + SPARED_MS);
    return true;
}
