#include "observe/observer.h"
#include "engine/conn.h"

static size_t observer_begun(void *ctx, const struct conn *conn, const struct exchange *exchange,
                             const struct asked *asked, char *kept) {
    (void)ctx, (void)conn, (void)exchange, (void)asked, (void)kept;
    return 0;
}

static void observer_ended(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept,
                           size_t kept_len) {
    (void)ctx, (void)conn, (void)exchange, (void)kept, (void)kept_len;
}

static void observer_closed(void *ctx, const struct conn *conn) {
    const struct observer *observer = ctx;
    if (observer->slot)
        tally_add(&observer->slot->ended[conn->end], 1);
}

void observer_init(struct observer *observer, const struct observed *observed, unsigned worker) {
    *observer = (struct observer){.observed = observed, .worker = worker};
    if (observed && observed->counters)
        observer->slot = counters_worker(observed->counters, worker);
    observer->watch = (struct watch){
        .begun = observer_begun, .ended = observer_ended, .closed = observer_closed, .ctx = observer, .keep_max = 0};
}

void observer_in_child(struct observer *observer, unsigned client) {
    if (observer->slot)
        observer->slot = counters_worker(observer->observed->counters, observer->worker) + 1 + client;
}

const struct watch *observer_watch(const struct observer *observer) {
    return observer->slot ? &observer->watch : NULL;
}
