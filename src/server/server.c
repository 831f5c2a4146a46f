#define _GNU_SOURCE
#include "server/server.h"
#include "base/check.h"
#include "base/say.h"
#include "host/signals.h"
#include "host/worker.h"

#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* As many descriptors as the system grants: what limits connections is --max-connections. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void server_banner(const struct config *config, const struct listeners *listeners) {
    char root[PATH_MAX];
    if (config->quiet) {
        listeners_print_chosen(listeners, STDOUT_FILENO); /* nobody else could tell */
        return;
    }
    say("serving %s with %s, %d worker%s",
        realpath(config->settings.site.root, root) ? root : config->settings.site.root, config->settings.backend->name,
        config->settings.workers, config->settings.workers == 1 ? "" : "s");
    listeners_print(listeners, STDERR_FILENO);
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
static bool server_serve(struct worker *workers, const struct config *config, const struct listeners *listeners) {
    struct server_thread threads[WORKERS_MAX];
    sem_t started;
    bool ok = worker_start(&workers[0]);
    if (!ok)
        return false;
    sem_init(&started, 0, 0);
    int running = server_start(workers, config->settings.workers, threads, &started, &ok);
    if (ok)
        server_banner(config, listeners);
    else
        signals_stop();
    worker_run(&workers[0]);
    for (int i = 1; i < running; i++)
        pthread_join(workers[i].thread, NULL);
    sem_destroy(&started);
    return ok;
}

/* The part of max_connections that worker `index` may have: together they have it all. */
static unsigned server_share(const struct config *config, int index) {
    unsigned workers = (unsigned)config->settings.workers, all = config->settings.limits.max_connections;
    return all / workers + ((unsigned)index < all % workers);
}

int server_run(const struct config *config) {
    struct listeners listeners;
    char error[512];
    int opened = 0;
    bool ok = true;
    struct worker *workers = calloc((size_t)config->settings.workers, sizeof *workers);
    struct worker_shared shared = {known_open(), loaders_open()};
    CHECK(workers && shared.known && shared.loaders);
    raise_descriptor_limit();
    signals_init();
    if (!listeners_open(&listeners, config->listen, config->listen_count, config->port, error, sizeof error)) {
        say("%s", error);
        free(workers);
        return 1;
    }
    for (; ok && opened < config->settings.workers; opened++)
        ok = worker_open(&workers[opened], workers, &config->settings, &listeners, &shared,
                         server_share(config, opened));
    if (ok)
        ok = server_serve(workers, config, &listeners);
    listeners_close(&listeners);
    bool closed = true;
    while (opened-- > 0)
        closed &= worker_close(&workers[opened]);
    if (closed) { /* else a thread that hangs still uses it all; it ends with the process */
        loaders_close(shared.loaders);
        known_close(shared.known);
        free(workers);
    }
    return ok ? 0 : 1;
}
