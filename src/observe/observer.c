#include "observe/observer.h"
#include "engine/conn.h"

static size_t observer_begun(void *ctx, const struct conn *conn, const struct exchange *exchange,
                             const struct asked *asked, char *kept) {
    (void)ctx, (void)conn, (void)exchange, (void)asked, (void)kept;
    return 0;
}

static void observer_moved(void *ctx, size_t received, size_t sent) {
    struct counter_slot *slot = ((const struct observer *)ctx)->slot;
    if (slot && received > 0)
        counter_slot_add(slot, FIGURE_RECEIVED, received);
    if (slot && sent > 0)
        counter_slot_add(slot, FIGURE_SENT, sent);
}

static void observer_ended(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept,
                           size_t kept_len) {
    (void)conn, (void)kept, (void)kept_len;
    struct counter_slot *slot = ((const struct observer *)ctx)->slot;
    if (!slot)
        return;
    tally_add(&slot->requests[exchange->method][exchange->status / 100], 1);
    if (exchange->sent < exchange->len || exchange->len == 0)
        return;
    uint64_t ns = clock_fine_ns() - exchange->began_ns;
    tally_add(&slot->latency_ns, ns);
    tally_add(&slot->latency[latency_bucket(ns)], 1);
}

static void observer_closed(void *ctx, const struct conn *conn) {
    struct counter_slot *slot = ((const struct observer *)ctx)->slot;
    if (slot)
        tally_add(&slot->ended[conn->end], 1);
}

void observer_init(struct observer *observer, const struct observed *observed, unsigned worker) {
    *observer = (struct observer){.observed = observed, .worker = worker};
    if (observed && observed->counters)
        observer->slot = counters_worker(observed->counters, worker);
    observer->watch = (struct watch){.begun = observer_begun,
                                     .moved = observer_moved,
                                     .ended = observer_ended,
                                     .closed = observer_closed,
                                     .ctx = observer};
}

void observer_before_child(const struct observer *observer, unsigned client) {
    if (observer->slot && counter_slot_get(observer->slot, FIGURE_CHILDREN) <= client)
        tally_set(&observer->slot->figures[FIGURE_CHILDREN], client + 1);
}

void observer_in_child(struct observer *observer, unsigned client) {
    if (observer->slot)
        observer->slot += 1 + client;
}

const struct watch *observer_watch(const struct observer *observer) {
    return observer->slot ? &observer->watch : NULL;
}
