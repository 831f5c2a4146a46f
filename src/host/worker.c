/* A worker's life: worker_open, worker_start, worker_run, worker_end_loads, worker_close. In between it goes round in
   worker_run: its model waits and serves (backend->wait), whoever is at the door is let in (worker_accept.c), and what
   else there is to do is done between two rounds. */
#define _GNU_SOURCE
#include "host/worker.h"
#include "base/check.h"
#include "base/say.h"
#include "engine/exchanges.h"
#include "guard/sandbox.h"
#include "host/signals.h"
#include "host/worker_accept.h"
#include "host/worker_renew.h"
#include "host/worker_stop.h"
#include "host/worker_watch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    BUFFER_LEN = 64 * 1024, /* no less than HEAD_MAX_MOST; and files are copied through it, out of the caches */
    OPEN_ERROR_MAX = 512,
};

bool worker_open(struct worker *worker, const struct worker *all, struct generation *generation,
                 const struct listeners *listeners, const struct worker_shared *shared, unsigned capacity,
                 unsigned file_fds) {
    char error[OPEN_ERROR_MAX];
    *worker = (struct worker){.settings = generation->settings,
                              .listeners = listeners,
                              .all = all,
                              .shared = *shared,
                              .file_fds = file_fds,
                              .wake_fd = -1};
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->loads.wake_fd = worker->wake_fd;
    worker->line_end = &worker->line;
    worker->drive = (struct drive){.known = shared->known, .buffer_len = BUFFER_LEN};
    worker->drive.buffer = malloc(worker->drive.buffer_len);
    clock_update(&worker->env.clock);
    if (worker->wake_fd < 0 || !worker->drive.buffer || !clients_open(&worker->clients, capacity) ||
        !worker_watch(worker, (unsigned)(worker - all))) {
        say("no memory or descriptors for %u connections: lower --max-connections", capacity);
        return false;
    }
    worker->env.crowded = &worker->clients.flags->crowded;
    worker->serving = serving_open(generation, shared->known, capacity, file_fds, error, sizeof error);
    if (!worker->serving) {
        say("%s", error);
        return false;
    }
    worker_serve(worker, worker->serving);
    signals_wake(worker->wake_fd);
    return true;
}

/* The model goes first: it may have threads or children at work on its clients. If it leaves the lock, there is a
   thread that hangs, whose client is left to it. */
static void worker_close_model(struct worker *worker) {
    struct client *client;
    unsigned cursor = 0;
    worker->settings->backend->close(worker->model);
    worker->model = NULL;
    while (!worker->env.lock && (client = clients_each(&worker->clients, &cursor)))
        worker_hang_up(worker, client);
}

void *worker_no_memory(const struct worker *worker) {
    say("no memory for -m %s with %u connections: lower --max-connections", worker->settings->backend->name,
        worker->clients.capacity);
    return NULL;
}

bool worker_start(struct worker *worker) {
    worker->model = worker->settings->backend->open(worker);
    if (!worker->model)
        return false;
    struct conn_env *env = &worker->env;
    unsigned capacity = worker->clients.capacity;
    if (pool_open(&env->in_short, CONN_SHORT_LEN, capacity) &&
        pool_open(&env->in, CONN_IN_LEN(worker->settings->limits.head_max), capacity) &&
        pool_open(&env->out, sizeof(struct outq), capacity) &&
        (!env->watch || pool_open(&env->exchanges, EXCHANGES_LEN(env->watch->keep_max), capacity)))
        return true;
    say("no address space for %u connections: lower --max-connections", capacity);
    worker_close_model(worker);
    return false;
}

bool worker_end_loads(struct worker *worker) {
    struct pollfd wake = {.fd = worker->wake_fd, .events = POLLIN};
    while (worker->loading > 0 && poll(&wake, 1, LOADS_END_MS) > 0) {
        worker_woken(worker);
        while (worker_loaded(worker))
            ;
    }
    return worker->loading == 0 && !worker->env.lock;
}

void worker_close(struct worker *worker) {
    pool_close(&worker->env.in_short);
    pool_close(&worker->env.in);
    pool_close(&worker->env.out);
    pool_close(&worker->env.exchanges);
    worker_close_servings(worker);
    clients_close(&worker->clients);
    observer_close_log(&worker->observer);
    free(worker->drive.buffer);
    if (worker->wake_fd >= 0)
        close(worker->wake_fd);
}

void worker_files_above(struct worker *worker, int first) {
    filecache_fds_above(worker->serving->site.cache, first);
}

void worker_woken(struct worker *worker) {
    uint64_t count;
    if (read(worker->wake_fd, &count, sizeof count) < 0)
        return; /* it rings again, if it does */
}

void worker_wake(const struct worker *worker) {
    const uint64_t one = 1;
    if (write(worker->wake_fd, &one, sizeof one) < 0)
        return; /* full is readable too */
}

void worker_wake_for_place(const struct worker *worker) {
    if (worker->draining || worker->rest_until_ms > 0)
        worker_wake(worker);
}

void worker_between_rounds(struct worker *worker) {
    atomic_store_explicit(&worker->turned, true, memory_order_relaxed);
    worker_renew(worker);
    if (worker == worker->all && worker->shared.tend)
        worker->tend_at_ms = worker->shared.tend(worker->shared.server, worker->env.clock.now_ms);
    if (signals_stopping())
        worker_stop(worker);
}

void worker_run(struct worker *worker) {
    sandbox_narrow(SANDBOX_WORKER);
    worker_between_rounds(worker); /* a signal may have come before there was anybody to wake */
    while (!worker_stopped(worker)) {
        if (worker->clients.count <= worker->yield_above)
            worker->yield_until_ms = 0; /* the surplus has left by itself */
        listener_set rings = worker->settings->backend->wait(worker->model, worker_accepting(worker));
        if (rings && !worker->draining)
            worker_accept(worker, rings);
        worker_watch_round(worker);
        worker_between_rounds(worker);
    }
    worker_close_model(worker);
}
