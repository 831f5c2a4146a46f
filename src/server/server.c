/* From the start to the end, in this order:

     server_run       what the process was started with, the error log, how many descriptors there are, the listeners
     server_prepare   what must be made while the process still has all its rights
     server_confine   the steward, who keeps some rights; the others are given up
     server_work      the workers are opened, serve, and are closed
     server_serve     the workers' threads run; worker 0 in this one
     server_ready     they all serve: whoever waits for that is told, and the banner is printed
     server_tend      between worker 0's rounds: what signals ask for, the watchdog */
#define _GNU_SOURCE
#include "server/server.h"
#include "base/say.h"
#include "host/inherited.h"
#include "host/listener_urls.h"
#include "host/signals.h"
#include "host/worker.h"
#include "server/config_check.h"
#include "server/confine.h"
#include "server/daemon.h"
#include "server/descriptor_limit.h"
#include "server/footprint.h"
#include "server/logs.h"
#include "server/notify.h"
#include "server/pid_file.h"
#include "server/reload.h"
#include "server/steward.h"
#include "server/upgrade.h"
#include "server/watched.h"

#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How many connections, of all workers together, there are descriptors for, with a file for each: the limit is raised,
   so that --max-connections is what limits them. 0 after say(): there are too few. */
static unsigned server_fit(unsigned workers) {
    rlim_t limit = descriptor_limit_raise(), reserved = FDS_RESERVED + FDS_PER_WORKER * workers;
    rlim_t most = limit > reserved ? (limit - reserved) / FDS_PER_CONNECTION : 0;
    if (most < workers) {
        say("%llu descriptors are too few: raise the limit (ulimit -n) to at least %llu%s", (unsigned long long)limit,
            (unsigned long long)(reserved + FDS_PER_CONNECTION * workers), workers > 1 ? ", or lower --workers" : "");
        return 0;
    }
    return most < UINT_MAX ? (unsigned)most : UINT_MAX;
}

struct server {
    const struct config *config;
    struct worker *workers;
    struct listeners listeners;
    struct inherited inherited;
    struct upgrade upgrade;
    struct reload *reload;
    unsigned reloads; /* signals_reloads() of the last one that was begun */
    struct pid_file pid_file;
    struct daemon daemon;
    struct steward steward;
    struct watched watched;
    unsigned fit;         /* connections that there are descriptors for */
    unsigned connections; /* the least of that and --max-connections, at the start */
    bool successor;       /* it replaces another server: an upgrade */
    bool told;            /* the service manager has been told of the stop */
    uint64_t look_at_ms;  /* when to wake all workers to look at the door; 0: there is no need */
    uint64_t watchdog_ms; /* how often to tell that all workers make rounds; 0: nobody wants to know */
    uint64_t alive_at_ms; /* when to tell so next */
};

/* Where it takes fewer connections than it was asked to: how many, and why. */
static void server_say_few(const struct server *server, char *text, size_t size) {
    const struct settings *settings = &server->config->settings;
    unsigned places = 0; /* the model may have fewer than there is room for */
    for (int i = 0; i < settings->workers; i++)
        places += server->workers[i].clients.capacity;
    if (places < settings->limits.max_connections)
        snprintf(text, size, ", at most %u connection%s (all that %s)", places, places == 1 ? "" : "s",
                 places < server->connections ? "the model takes" : "ulimit -n allows");
}

static void server_banner(const struct server *server) {
    const struct config *config = server->config;
    char root[PATH_MAX], few[96] = "", status[PATH_MAX + 256];
    server_say_few(server, few, sizeof few);
    snprintf(status, sizeof status, "serving %s with %s, %d worker%s%s",
             realpath(config->settings.site.root, root) ? root : config->settings.site.root,
             config->settings.backend->name, config->settings.workers, config->settings.workers == 1 ? "" : "s", few);
    notify_ready(status);
    if (config->quiet) {
        listener_urls_print_chosen(&server->listeners, STDOUT_FILENO); /* nobody else could tell */
        return;
    }
    say_as(SAY_NOTICE, "%s", status);
    confine_say(config);
    footprint_say(server->workers, config->settings.workers);
    listener_urls_print(&server->listeners, STDERR_FILENO);
    config_check_index(config);
}

/* All workers serve: whoever waits for that is told. False after say(). */
static bool server_ready(struct server *server) {
    if (!upgrade_report(&server->inherited, &server->listeners)) {
        server->told = true; /* of a stop that isn't the service's */
        return false;
    }
    if (!steward_serves(&server->steward) && !server->successor)
        return false; /* there is nobody to go on in a successor's place */
    if (server->successor) {
        /* The kernel may have woken a predecessor without room in place of us: by then it listens no more. */
        clock_update(&server->workers[0].env.clock);
        server->look_at_ms = server->workers[0].env.clock.now_ms + HOLD_MS + ROOM_GRACE_MS;
    }
    server_banner(server);
    daemon_serves(&server->daemon);
    return true;
}

/* Tells the watchdog that the server is alive, if all workers have made a round since this was done last; and wakes
   them to make another until the next time. */
static void server_watch(struct server *server, uint64_t now_ms) {
    bool all = true;
    int count = server->config->settings.workers;
    for (int i = 0; i < count; i++)
        all &= atomic_load_explicit(&server->workers[i].turned, memory_order_relaxed);
    for (int i = 0; i < count && all; i++) {
        atomic_store_explicit(&server->workers[i].turned, false, memory_order_relaxed);
        worker_wake(&server->workers[i]);
    }
    if (all)
        notify_alive();
    server->alive_at_ms = now_ms + server->watchdog_ms / 4 + 1;
}

/* worker_shared.tend: what the server does between worker 0's rounds. */
static uint64_t server_tend(void *context, uint64_t now_ms) {
    struct server *server = context;
    if (signals_take_upgrade())
        upgrade_begin(&server->upgrade);
    if (server->reloads != signals_reloads() && !signals_stopping()) {
        server->reloads = signals_reloads();
        logs_reopen();
        reload_begin(server->reload);
    }
    if (signals_stopping() && !server->told) {
        server->told = true;
        if (!signals_handed_over())
            notify_stopping();
    }
    if (server->look_at_ms && now_ms >= server->look_at_ms) {
        for (int i = 0; i < server->config->settings.workers; i++)
            worker_wake(&server->workers[i]);
        server->look_at_ms = 0;
    }
    if (!server->watchdog_ms || signals_handed_over())
        return server->look_at_ms;
    if (now_ms >= server->alive_at_ms)
        server_watch(server, now_ms);
    return server->look_at_ms && server->look_at_ms < server->alive_at_ms ? server->look_at_ms : server->alive_at_ms;
}

static void server_renewed(void *context) {
    reload_taken(((struct server *)context)->reload);
}

static struct serving *server_reread(void *context, const struct worker *worker) {
    return reload_in_place(((struct server *)context)->reload, worker);
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

/* Starts workers 1 and up in threads of their own and waits until each has opened its model. Returns how many workers
   have a thread, worker 0 among them; makes *ok false if one has failed. */
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
static bool server_serve(struct server *server) {
    struct server_thread threads[WORKERS_MAX];
    struct worker *workers = server->workers;
    sem_t started;
    bool ok = worker_start(&workers[0]);
    if (!ok)
        return false;
    sem_init(&started, 0, 0);
    int running = server_start(workers, server->config->settings.workers, threads, &started, &ok);
    ok = ok && server_ready(server);
    if (!ok)
        signals_stop();
    worker_run(&workers[0]);
    for (int i = 1; i < running; i++)
        pthread_join(workers[i].thread, NULL);
    sem_destroy(&started);
    return ok;
}

static bool server_end_loads(struct worker *workers, int count) {
    bool ended = true;
    for (int i = 0; i < count; i++)
        ended &= worker_end_loads(&workers[i]);
    return ended;
}

static bool server_open_listeners(struct server *server) {
    const struct config *config = server->config;
    char error[1024]; /* as long as a line may be that is said */
    if (listeners_open(&server->listeners, config->listen, config->listen_count, config->port, &server->inherited,
                       error, sizeof error))
        return true;
    say("%s", error);
    return false;
}

static bool server_no_memory(void) {
    say("no memory to start with: free some, or raise the limit (ulimit -v, or the service's)");
    return false;
}

/* Makes what takes rights that are given up next. */
static bool server_prepare(struct server *server, struct config *config) {
    server->connections = config->settings.limits.max_connections;
    if (server->connections > server->fit)
        server->connections = server->fit;
    server->workers = calloc((size_t)config->settings.workers, sizeof *server->workers);
    if (!server->workers || !server->reload)
        return server_no_memory();
    return watched_open(&server->watched, config, server->workers, server->connections) &&
           logs_open(config, &server->watched.observed);
}

/* Opens the workers, has them serve, and closes them again. */
static bool server_work(struct server *server) {
    const struct settings *settings = &server->config->settings;
    struct worker *workers = server->workers;
    struct observed *observed = &server->watched.observed;
    int opened = 0, count = settings->workers;
    struct worker_shared shared = {.known = known_open(),
                                   .loaders = loaders_open(observed),
                                   .observed = observed,
                                   .tend = server_tend,
                                   .renewed = server_renewed,
                                   .reread = server_reread,
                                   .server = server};
    bool ok = (shared.known && shared.loaders) || server_no_memory();
    ok = ok && logs_start(observed);
    for (; ok && opened < count; opened++)
        ok = worker_open(&workers[opened], workers, reload_first(server->reload), &server->listeners, &shared,
                         worker_part(server->connections, (unsigned)opened, (unsigned)count),
                         worker_part(server->fit, (unsigned)opened, (unsigned)count));
    reload_set_workers(server->reload, workers, opened, &server->watched);
    if (ok)
        ok = server_serve(server);
    upgrade_close(&server->upgrade);
    steward_close(&server->steward, listeners_take_names(&server->listeners));
    listeners_close(&server->listeners);
    bool ended = reload_end(server->reload);
    ended &= server_end_loads(workers, opened);
    logs_close(observed, ended);
    if (ok && !signals_handed_over())
        say_as(SAY_NOTICE, "stopped");
    if (!ended) /* a thread hangs (a disk): it still uses all this, and ends with the process */
        return ok;
    if (shared.loaders)
        loaders_close(shared.loaders);
    while (opened-- > 0)
        worker_close(&workers[opened]);
    reload_close(server->reload);
    if (shared.known)
        known_close(shared.known);
    watched_close(&server->watched);
    free(workers);
    return ok;
}

/* Gives up the rights that serving doesn't take. The steward, who keeps some for later, is made before. */
static bool server_confine(struct server *server, struct config *config) {
    const struct steward_duties duties = {.upgrade = &server->upgrade,
                                          .listeners = &server->listeners,
                                          .pid_file = &server->pid_file,
                                          .daemon = &server->daemon,
                                          .pid_path = config->pid_path,
                                          .successor = server->successor};
    steward_init(&server->steward, &duties);
    return (!confine_wanted(config) || steward_open(&server->steward)) && confine(config);
}

int server_run(struct config *config, int argc, char **argv) {
    static struct server server; /* static: threads that hang use it to the end */
    char error[512];
    server.config = config;
    server.daemon.starter_fd = -1;
    if (!inherited_read(&server.inherited, error, sizeof error)) {
        say("%s", error);
        return 1;
    }
    server.successor = server.inherited.predecessor_fd >= 0;
    server.watchdog_ms = notify_watchdog_ms(server.successor);
    notify_open();
    upgrade_open(&server.upgrade, argv, &server.listeners, &server.steward, config->quiet);
    server.reload = reload_open(config, argc, argv);
    int failure = config->daemon && !server.successor ? daemon_open(&server.daemon) : 0;
    if (failure)
        say("--daemon: can't fork: %s", strerror(-failure));
    if (!failure && logs_open_errors(config) && config_check_root(config))
        server.fit = server_fit((unsigned)config->settings.workers);
    bool ok = false;
    if (server.fit > 0) {
        signals_init();
        ok = server_open_listeners(&server);
        if (ok && !(server_prepare(&server, config) && server_confine(&server, config))) {
            listeners_close(&server.listeners);
            ok = false;
        }
        ok = ok && server_work(&server);
    }
    daemon_failed(&server.daemon, 1); /* means nothing after daemon_serves */
    return ok ? 0 : 1;
}
