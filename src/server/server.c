#define _GNU_SOURCE
#include "server/server.h"
#include "base/check.h"
#include "base/say.h"
#include "host/listener_urls.h"
#include "host/signals.h"
#include "host/worker.h"
#include "server/check.h"

#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* As many descriptors as the system grants: what limits connections should be --max-connections. Returns how many. */
static rlim_t raise_descriptor_limit(void) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

/* How many connections, over all workers, there are descriptors for, and for as many files. 0 after say(): too few. */
static unsigned server_fit(unsigned workers) {
    rlim_t limit = raise_descriptor_limit(), reserved = FDS_RESERVED + FDS_PER_WORKER * workers;
    rlim_t most = limit > reserved ? (limit - reserved) / FDS_PER_CONNECTION : 0;
    if (most < workers) {
        say("%llu descriptors are too few: raise the limit (ulimit -n) to at least %llu%s", (unsigned long long)limit,
            (unsigned long long)(reserved + FDS_PER_CONNECTION * workers), workers > 1 ? ", or lower --workers" : "");
        return 0;
    }
    return most < UINT_MAX ? (unsigned)most : UINT_MAX;
}

static void server_banner(const struct config *config, const struct listeners *listeners, unsigned fit) {
    char root[PATH_MAX], few[96] = "";
    if (config->quiet) {
        listener_urls_print_chosen(listeners, STDOUT_FILENO); /* nobody else could tell */
        return;
    }
    if (fit < config->settings.limits.max_connections)
        snprintf(few, sizeof few, ", at most %u connections (all that ulimit -n allows)", fit);
    say("serving %s with %s, %d worker%s%s",
        realpath(config->settings.site.root, root) ? root : config->settings.site.root, config->settings.backend->name,
        config->settings.workers, config->settings.workers == 1 ? "" : "s", few);
    listener_urls_print(listeners, STDERR_FILENO);
    check_index(config);
}

struct server_thread {
    struct worker *worker;
    sem_t *started;
    bool ok;
};

static void *server_thread(void *arg) {
    struct server_thread *thread = arg;
    thread->ok = worker_start(thread->worker);
    sem_post(thread->started);
    if (thread->ok)
        worker_run(thread->worker);
    return NULL;
}

/* Starts workers 1 and up in their threads and waits until each has opened its model. Returns how many threads run;
 *ok: none has failed. */
static int server_start(struct worker *workers, int count, struct server_thread *threads, sem_t *started, bool *ok) {
    int running = 1;
    for (; running < count; running++) {
        threads[running] = (struct server_thread){&workers[running], started, false};
        int error = pthread_create(&workers[running].thread, NULL, server_thread, &threads[running]);
        if (error) {
            say("can't start worker %d: %s", running, strerror(error));
            *ok = false;
            break;
        }
    }
    for (int i = 1; i < running; i++)
        while (sem_wait(started) < 0)
            ;
    for (int i = 1; i < running; i++)
        *ok = *ok && threads[i].ok;
    return running;
}

/* Worker 0 runs here: a process with one thread is spared the locking of its descriptors in the kernel, and a good part
   of the C library's. */
static bool server_serve(struct worker *workers, const struct config *config, const struct listeners *listeners,
                         unsigned fit) {
    struct server_thread threads[WORKERS_MAX];
    sem_t started;
    bool ok = worker_start(&workers[0]);
    if (!ok)
        return false;
    sem_init(&started, 0, 0);
    int running = server_start(workers, config->settings.workers, threads, &started, &ok);
    if (ok)
        server_banner(config, listeners, fit);
    else
        signals_stop();
    worker_run(&workers[0]);
    for (int i = 1; i < running; i++)
        pthread_join(workers[i].thread, NULL);
    sem_destroy(&started);
    return ok;
}

/* The part of `all` that worker `index` may have: together they have it all. */
static unsigned server_share(unsigned all, int index, int workers) {
    return all / (unsigned)workers + ((unsigned)index < all % (unsigned)workers);
}

static bool server_end_loads(struct worker *workers, int count) {
    bool ended = true;
    for (int i = 0; i < count; i++)
        ended &= worker_end_loads(&workers[i]);
    return ended;
}

int server_run(const struct config *config) {
    struct listeners listeners;
    char error[512];
    int opened = 0, count = config->settings.workers;
    bool ok = true;
    unsigned fit = server_fit((unsigned)count), connections = config->settings.limits.max_connections;
    if (fit == 0 || !check_root(config))
        return 1;
    if (connections > fit)
        connections = fit;
    struct worker *workers = calloc((size_t)count, sizeof *workers);
    CHECK(workers);
    signals_init();
    if (!listeners_open(&listeners, config->listen, config->listen_count, config->port, error, sizeof error)) {
        say("%s", error);
        free(workers);
        return 1;
    }
    const struct observed observed = {0};
    struct worker_shared shared = {known_open(), loaders_open(), &observed};
    CHECK(shared.known && shared.loaders);
    for (; ok && opened < count; opened++)
        ok = worker_open(&workers[opened], workers, &config->settings, &listeners, &shared,
                         server_share(connections, opened, count), server_share(fit, opened, count));
    if (ok)
        ok = server_serve(workers, config, &listeners, fit);
    listeners_close(&listeners);
    if (!server_end_loads(workers, opened)) /* a thread that hangs still uses it all; it ends with the process */
        return ok ? 0 : 1;
    loaders_close(shared.loaders);
    while (opened-- > 0)
        worker_close(&workers[opened]);
    known_close(shared.known);
    free(workers);
    return ok ? 0 : 1;
}
