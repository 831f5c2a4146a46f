/* How a worker comes to serve another configuration, and lets go of the one before. The worker never waits for it: a
   thread of the server's (server/reload.c) reads it, makes it ready and offers it; between two rounds the worker takes
   it over by changing a few pointers. What was served before is kept until the last reply that was begun with it has
   left, and is freed in small parts. */
#include "host/worker_renew.h"
#include "base/check.h"
#include "host/signals.h"
#include "host/worker_admit.h"
#include "host/worker_watch.h"

enum {
    RETIRED_LOOK_MS = 500,      /* how often to look whether a reply still needs what was replaced */
    UNASKED_LOOK_MS = 5 * 1000, /* how often to look for open files that nobody asks for */
};

void worker_offer(struct worker *worker, struct serving *serving) {
    CHECK(atomic_exchange_explicit(&worker->offered, serving, memory_order_acq_rel) == NULL);
    worker_wake(worker);
}

/* Where threads share a lock, nobody waits with it. */
static bool worker_detach_load(void *context, struct load *load) {
    struct worker *worker = context;
    return (!worker->drive.may_wait || worker->env.lock) && loaders_detach(worker->shared.loaders, load);
}

void worker_serve(struct worker *worker, struct serving *serving) {
    worker->serving = serving;
    worker->settings = serving->generation->settings;
    serving->site.made = worker->settings->made;
    serving->site.leaving = &worker->clients.flags->leaving;
    worker->env.site = &serving->site;
    filecache_detach_to(serving->site.cache, worker_detach_load, worker);
    worker->env.limits = &worker->settings->limits;
    worker->env.trust = &worker->settings->trust;
    worker->env.count = worker_count; /* without a limit, too: a reload may set or end one while somebody counts */
    observer_serve(&worker->observer, worker->settings->log_format, worker->settings->tells_ends);
    worker_watch_site(worker);
}

/* Returns the idle timeout that held before. */
static unsigned worker_take_over(struct worker *worker, struct serving *serving) {
    struct serving *before = worker->serving;
    filecache_follow(serving->site.cache, before->site.cache);
    worker_serve(worker, serving);
    before->next = worker->retired;
    worker->retired = before;
    worker->retired_look_at_ms = 0;
    return before->generation->settings->limits.idle_timeout_ms;
}

static void worker_close_retired(struct worker *worker) {
    bool more, any_more = false;
    for (struct serving **at = &worker->retired, *serving; (serving = *at);) {
        bool over = serving_is_over(serving, &more);
        any_more |= more;
        if (over) {
            *at = serving->next;
            serving_close(serving);
        } else {
            at = &serving->next;
        }
    }
    worker->retired_look_at_ms = worker->env.clock.now_ms + (any_more ? 0 : RETIRED_LOOK_MS);
}

static void worker_look_at_retired(struct worker *worker) {
    if (worker->retired && worker->env.clock.now_ms >= worker->retired_look_at_ms)
        worker_close_retired(worker);
}

/* Tells the clients. If they live in other processes the model does. */
static void worker_tell_renewed(struct worker *worker, unsigned idle_timeout_ms) {
    struct client *client;
    unsigned cursor = 0;
    if (worker->settings->backend->renew) {
        worker->settings->backend->renew(worker->model);
        return;
    }
    if (idle_timeout_ms == worker->settings->limits.idle_timeout_ms)
        return;
    while ((client = clients_each(&worker->clients, &cursor)))
        if (conn_renew(&client->conn, idle_timeout_ms))
            clients_note(&worker->clients, client);
}

static void worker_close_unasked(struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    if (now_ms < worker->unasked_look_at_ms)
        return;
    bool all = filecache_close_unasked(worker->serving->site.cache, now_ms);
    worker->unasked_look_at_ms = now_ms + (all ? UNASKED_LOOK_MS : 0);
}

void worker_renew(struct worker *worker) {
    if (atomic_load_explicit(&worker->offered, memory_order_relaxed)) {
        struct serving *serving = atomic_exchange_explicit(&worker->offered, NULL, memory_order_acq_rel);
        worker_tell_renewed(worker, worker_take_over(worker, serving));
        worker->shared.renewed(worker->shared.server);
    }
    worker_look_at_retired(worker);
    worker_close_unasked(worker);
}

void worker_renew_in_place(struct worker *worker, struct client *client) {
    unsigned asked = signals_reloads();
    if (worker->reloads != asked && conn_idle(&client->conn)) {
        struct serving *serving = worker->shared.reread(worker->shared.server, worker);
        worker->reloads = asked;
        if (serving && conn_renew(&client->conn, worker_take_over(worker, serving)))
            clients_note(&worker->clients, client);
        clock_update(&worker->env.clock);
    }
    worker_look_at_retired(worker);
    worker_close_unasked(worker);
}

void worker_close_servings(struct worker *worker) {
    struct serving *serving, *offered = atomic_load_explicit(&worker->offered, memory_order_acquire);
    if (offered)
        serving_close(offered);
    if (worker->serving)
        serving_close(worker->serving);
    while ((serving = worker->retired)) {
        worker->retired = serving->next;
        serving_close(serving);
    }
}
