#include "host/worker_watch.h"

void worker_watch(struct worker *worker, unsigned index) {
    observer_init(&worker->observer, worker->shared.observed, index);
    worker->env.watch = observer_watch(&worker->observer);
    worker->env.clock.fine = worker->env.watch != NULL;
    worker->drive.observer = &worker->observer;
}

void worker_watch_site(struct worker *worker) {
    observer_find_conns(&worker->observer, worker->clients.slots, sizeof *worker->clients.slots);
    if (worker->observer.slot)
        worker->site.cache->counts = &worker->observer.slot->site;
}

void worker_watch_round(struct worker *worker) {
    if (worker->round_began_ns)
        observer_took(&worker->observer, FIGURE_ROUNDS, worker->round_began_ns);
    worker->round_began_ns = 0;
}

void worker_in_child(struct worker *worker, const struct client *client) {
    observer_in_child(&worker->observer, client->index);
    worker_watch_site(worker);
    worker->drive.apart = true;
}
