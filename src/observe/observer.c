/* What the engine tells becomes figures (slot), events (ring) and lines (logs): each only where it is asked for. */
#include "observe/observer.h"
#include "base/calls.h"
#include "engine/conn.h"

void observer_put(const struct observer *observer, struct event event) {
    if (event.at_ns == 0)
        event.at_ns = clock_fine_ns();
    event_ring_put(observer->ring, &event);
}

/* ---- The calls of a load */

enum { HELD_MAX = 32 };

/* Of this thread. */
static _Thread_local struct {
    const struct observer *observer;
    uint32_t client;
    bool apart, holds;
    unsigned held_count;
    struct event held[HELD_MAX];
} ear;

static void hear(enum event_kind kind, enum calls_kind call, int fd, int64_t result) {
    static const uint8_t calls[] = {[CALLS_OPEN] = CALL_OPEN,
                                    [CALLS_STAT] = CALL_STAT,
                                    [CALLS_READ] = CALL_READ,
                                    [CALLS_LIST] = CALL_LIST,
                                    [CALLS_CLOSE] = CALL_CLOSE};
    const struct event event = {.at_ns = clock_fine_ns(),
                                .kind = (uint8_t)kind,
                                .what = calls[call],
                                .client = ear.client,
                                .apart = ear.apart,
                                .fd = fd,
                                .value = result};
    if (!ear.holds)
        event_ring_put(ear.observer->ring, &event);
    else if (ear.held_count < HELD_MAX) /* an even number: whole pairs */
        ear.held[ear.held_count++] = event;
}

static void hear_begin(enum calls_kind kind, int fd) {
    hear(EVENT_CALL, kind, fd, 0);
}

static void hear_return(enum calls_kind kind, int fd, int64_t result) {
    hear(EVENT_RETURNED, kind, fd, result);
}

void observer_listen(const struct observer *observer, uint32_t client, bool apart, bool holds) {
    static const struct calls_listener listener = {hear_begin, hear_return};
    if (!observer->ring)
        return;
    ear.observer = observer;
    ear.client = client;
    ear.apart = apart;
    ear.holds = holds;
    ear.held_count = 0;
    calls_listener = &listener;
}

void observer_hush(void) {
    for (unsigned i = 0; calls_listener && i < ear.held_count; i++)
        event_ring_put(ear.observer->ring, &ear.held[i]);
    calls_listener = NULL;
}

/* ---- Connections */

/* In the midst of what is noted with its time: that of the last event is near enough, and costs nothing. */
static void observer_note_conn(const struct observer *observer, const struct conn *conn, struct event event) {
    if (!observer->ring)
        return;
    event.client = (uint32_t)((size_t)((const char *)conn - observer->conns) / observer->conn_len);
    event_ring_put(observer->ring, &event);
}

static size_t observer_begun(void *ctx, const struct conn *conn, const struct exchange *exchange,
                             const struct asked *asked, char *kept) {
    const struct observer *observer = ctx;
    observer_note_conn(observer, conn,
                       (struct event){.kind = EVENT_REPLY, .fd = exchange->status, .value = (int64_t)exchange->len});
    return observer->logs ? log_maker_begun(&observer->log, conn, asked, kept) : 0;
}

static void observer_moved(void *ctx, size_t received, size_t sent) {
    struct observer *observer = ctx;
    struct counter_slot *slot = observer->slot;
    observer->replied_ns = 0;
    if (received > 0)
        counter_slot_add(slot, FIGURE_RECEIVED, received);
    if (sent > 0)
        counter_slot_add(slot, FIGURE_SENT, sent);
}

static void observer_ended(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept,
                           size_t kept_len) {
    struct observer *observer = ctx;
    struct counter_slot *slot = observer->slot;
    observer_note_conn(observer, conn,
                       (struct event){.kind = EVENT_REPLIED, .fd = exchange->status, .value = (int64_t)exchange->sent});
    if (!observer->logs && !slot)
        return;
    /* Where events are noted, the call that sent the last of it, or gave up, has just been. */
    uint64_t now_ns = observer->ring ? observer->ring->last_ns : clock_fine_ns();
    uint64_t took_ns = now_ns > exchange->began_ns ? now_ns - exchange->began_ns : 0;
    observer->replied_ns = now_ns;
    if (observer->logs)
        log_maker_ended(&observer->log, conn, exchange, took_ns, kept, kept_len);
    if (!slot)
        return;
    tally_add(&slot->requests[exchange->method][exchange->status / 100], 1);
    if (exchange->sent < exchange->len || exchange->len == 0)
        return;
    tally_add(&slot->latency_ns, took_ns);
    tally_add(&slot->latency[latency_bucket(took_ns)], 1);
}

static void observer_closed(void *ctx, const struct conn *conn) {
    struct observer *observer = ctx;
    observer->replied_ns = 0;
    observer_note_conn(observer, conn, (struct event){.kind = EVENT_CLOSED, .what = conn->end, .fd = -1});
    if (observer->slot)
        tally_add(&observer->slot->ended[conn->end], 1);
    if (observer->logs)
        log_maker_closed(&observer->log, conn);
}

void observer_init(struct observer *observer, const struct observed *observed, unsigned worker) {
    *observer = (struct observer){.observed = observed, .worker = worker};
    if (observed && observed->counters)
        observer->slot = counters_worker(observed->counters, worker);
    observer->logs = observed && (observed->log || observed->tells_ends);
    if (observed && observed->rings)
        observer->ring = event_rings_worker(observed->rings, worker);
    observer->watch = (struct watch){.begun = observer->logs || observer->ring ? observer_begun : NULL,
                                     .moved = observer->slot ? observer_moved : NULL,
                                     .ended = observer_ended,
                                     .closed = observer_closed,
                                     .ctx = observer};
}

void observer_init_loader(struct observer *observer, const struct observed *observed, unsigned loader) {
    *observer = (struct observer){.observed = observed};
    if (observed && observed->counters)
        observer->slot = &observed->counters->loaders[loader];
    if (observed && observed->rings)
        observer->ring = event_rings_loader(observed->rings, loader);
}

void observer_find_conns(struct observer *observer, const void *conns, size_t conn_len) {
    observer->conns = conns;
    observer->conn_len = conn_len;
}

bool observer_open_log(struct observer *observer, unsigned workers, struct log_conns conns, size_t head_max) {
    const struct observed *observed = observer->observed;
    if (!observer->logs)
        return true;
    if (observed->log)
        observer->watch.keep_max = log_line_keep_max(head_max);
    return log_maker_open(&observer->log, observed->log, observer->worker, workers, conns);
}

void observer_serve(struct observer *observer, const struct log_format *format, bool tells_ends) {
    if (observer->logs)
        log_maker_serve(&observer->log, format, tells_ends);
}

void observer_close_log(struct observer *observer) {
    log_maker_close(&observer->log);
}

void observer_opened(struct observer *observer, const struct conn *conn) {
    observer->replied_ns = 0;
    if (observer->logs)
        log_maker_opened(&observer->log, conn);
}

void observer_before_child(const struct observer *observer, unsigned client) {
    if (observer->slot && counter_slot_get(observer->slot, FIGURE_CHILDREN) <= client)
        tally_set(&observer->slot->figures[FIGURE_CHILDREN], client + 1);
    if (observer->ring && observer->ring->children <= client)
        observer->ring->children = client + 1;
    if (observer->observed && observer->observed->log)
        access_log_before_child(observer->observed->log, observer->worker, client);
}

void observer_in_child(struct observer *observer, unsigned client) {
    if (observer->slot)
        observer->slot += 1 + client;
    if (observer->ring) {
        observer->ring = event_rings_child(observer->observed->rings, observer->worker, client);
        observer->ring->last_ns = clock_fine_ns();
    }
    if (observer->logs)
        log_maker_in_child(&observer->log, client);
}

void observer_round(struct observer *observer, uint64_t began_ns) {
    uint64_t replied_ns = observer->replied_ns;
    observer->replied_ns = 0;
    if (!observer->slot)
        return;
    uint64_t ended_ns = replied_ns > began_ns ? replied_ns : clock_fine_ns();
    counter_slot_add(observer->slot, FIGURE_ROUNDS, 1);
    counter_slot_add(observer->slot, FIGURE_ROUND_NS, ended_ns - began_ns);
}

bool observer_times(const struct observer *observer) {
    return observer->slot || observer->logs;
}

const struct watch *observer_watch(const struct observer *observer) {
    return observer->slot || observer->ring || observer->logs ? &observer->watch : NULL;
}
