#include "host/worker_watch.h"

bool worker_watch(struct worker *worker, unsigned index) {
    const struct clients *clients = &worker->clients;
    const struct log_conns conns = {clients->slots, sizeof *clients->slots, clients->capacity};
    struct observer *observer = &worker->observer;
    observer_init(observer, worker->shared.observed, index);
    observer_find_conns(observer, clients->slots, sizeof *clients->slots);
    if (!observer_open_log(observer, (unsigned)worker->settings->workers, conns, worker->settings->limits.head_max))
        return false;
    worker->env.watch = observer_watch(observer);
    worker->env.clock.fine = observer_times(observer);
    worker->drive.observer = observer;
    return true;
}

void worker_watch_site(struct worker *worker) {
    if (worker->observer.slot)
        worker->serving->site.cache->counts = &worker->observer.slot->site;
}

void worker_watch_round(struct worker *worker) {
    if (worker->round_began_ns)
        observer_round(&worker->observer, worker->round_began_ns);
    worker->round_began_ns = 0;
}

void worker_in_child(struct worker *worker, const struct client *client) {
    observer_in_child(&worker->observer, client->index);
    worker_watch_site(worker);
    worker->drive.apart = true;
    filecache_limit_bytes(worker->serving->site.cache, CHILD_CACHE_BYTES);
}
