/* Workers share the listening sockets, and a ring lets in one client, or few: so a connection goes to a worker that is
   free for it, and none waits in the queue of one that is busy or full, as it would with SO_REUSEPORT.

   The accept loop exists once, so what can go wrong at the door is written once: no descriptors left, no place left, an
   address with too many connections, a stop. */
#define _GNU_SOURCE
#include "host/worker.h"
#include "base/check.h"
#include "base/say.h"
#include "engine/exchanges.h"
#include "guard/sandbox.h"
#include "host/signals.h"
#include "host/worker_admit.h"
#include "host/worker_watch.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER_LEN = 64 * 1024, /* no less than HEAD_MAX_MOST; and files are copied through it, out of the caches */
    OPEN_ERROR_MAX = 512,
    LOADS_END_MS = 1000, /* at the end: how long a load is waited for that nobody needs any more */
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

/* The model goes first: it may have threads or children at work on its clients. */
static void worker_stop(struct worker *worker) {
    struct client *client;
    unsigned cursor = 0;
    worker->settings->backend->close(worker->model);
    worker->model = NULL;
    while ((client = clients_each(&worker->clients, &cursor)))
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
    worker_stop(worker);
    return false;
}

bool worker_end_loads(struct worker *worker) {
    struct pollfd wake = {.fd = worker->wake_fd, .events = POLLIN};
    while (worker->loading > 0 && poll(&wake, 1, LOADS_END_MS) > 0) {
        worker_woken(worker);
        while (worker_loaded(worker))
            ;
    }
    return worker->loading == 0;
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

bool worker_accepting(const struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    return !worker->draining && now_ms >= worker->rest_until_ms && now_ms >= worker->leave_until_ms;
}

void worker_files_above(struct worker *worker, int first) {
    filecache_fds_above(worker->serving->site.cache, first);
}

void worker_woken(struct worker *worker) {
    uint64_t count;
    if (read(worker->wake_fd, &count, sizeof count) < 0)
        CHECK(errno == EAGAIN || errno == EINTR);
}

void worker_wake(struct worker *worker) {
    const uint64_t one = 1;
    if ((worker->draining || worker->rest_until_ms > 0) && write(worker->wake_fd, &one, sizeof one) < 0)
        CHECK(errno == EAGAIN); /* full is readable too */
}

/* How many wait to be accepted: of a listener, the kernel tells it as what isn't acknowledged; of a unix socket only
   whether anybody does. */
static unsigned waiting_count(const struct listeners *listeners) {
    unsigned count = 0;
    for (int i = 0; i < listeners->count; i++) {
        struct tcp_info info;
        socklen_t len = sizeof info;
        struct pollfd fd = {.fd = listeners->fd[i], .events = POLLIN};
        if (getsockopt(fd.fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
            count += info.tcpi_unacked;
        else
            count += poll(&fd, 1, 0) > 0;
    }
    return count;
}

void worker_look(const struct worker *worker) {
    const uint64_t one = 1;
    if (write(worker->wake_fd, &one, sizeof one) < 0)
        CHECK(errno == EAGAIN); /* full is readable too */
}

/* Who waits at the door may have rung for this worker alone: others may have room. */
static void worker_wake_others(const struct worker *worker) {
    for (int i = 0; i < worker->settings->workers; i++)
        if (&worker->all[i] != worker)
            worker_look(&worker->all[i]);
}

/* A reload may have lowered what there is room for; but each worker has one to serve. */
bool worker_full(const struct worker *worker) {
    const struct settings *settings = worker->settings;
    unsigned most =
        worker_share(settings->limits.max_connections, (unsigned)(worker - worker->all), (unsigned)settings->workers);
    unsigned count = worker->clients.count;
    return count == worker->clients.capacity || (count > 0 && count >= most);
}

unsigned worker_note_crowd(struct worker *worker) {
    unsigned count = waiting_count(worker->listeners);
    atomic_store_explicit(&worker->clients.flags->crowded, count > 0, memory_order_relaxed);
    return count;
}

void worker_make_room(struct worker *worker) {
    uint64_t since_ms, now_ms = worker->env.clock.now_ms;
    if (worker->draining)
        return; /* all go */
    unsigned count = worker_note_crowd(worker);
    if (count == 0)
        return;
    observer_count(&worker->observer, FIGURE_FULL);
    worker_wake_others(worker);
    worker->rest_until_ms = now_ms + ACCEPT_REST_MS;
    /* Who has been told may take a while to go, as a process does. */
    for (unsigned going = worker->clients.told; going < count && going < ROOM_AT_ONCE; going++) {
        struct client *client =
            clients_oldest_idle(&worker->clients, worker->settings->limits.idle_timeout_ms, &since_ms);
        if (!client)
            return;
        bool fresh = client->conn.request_count == 0 && count <= FEW_WAIT;
        uint64_t until_ms = since_ms + (fresh ? FRESH_GRACE_MS : ROOM_GRACE_MS);
        if (now_ms < until_ms) {
            if (until_ms < worker->rest_until_ms)
                worker->rest_until_ms = until_ms;
            return;
        }
        clients_forget_idle(&worker->clients, client);
        worker->settings->backend->drain(worker->model, client);
    }
}

void worker_exhausted(struct worker *worker, const char *what, int error) {
    uint64_t now_ms = worker->env.clock.now_ms;
    observer_count(&worker->observer, FIGURE_ACCEPT_ERRORS);
    if (now_ms >= worker->quiet_until_ms)
        say_as(SAY_WARNING, "%s: %s; raise the limit (ulimit -n, -u) or lower --max-connections", what,
               strerror(error));
    worker->quiet_until_ms = now_ms + QUIET_MS;
    worker->rest_until_ms = now_ms + ACCEPT_REST_MS;
}

void worker_give_up(struct worker *worker, struct client *client, const char *what, int error) {
    worker_hang_up(worker, client); /* which lets others in, so it comes first */
    worker_exhausted(worker, what, error);
}

/* No descriptor for a connection: a cached file may give up its own, or an idle client its place. */
static bool worker_find_descriptor(struct worker *worker, int error) {
    if (filecache_release_fd(worker->serving->site.cache))
        return true;
    worker_exhausted(worker, "can't accept connections", error);
    worker_make_room(worker); /* who goes ends the rest */
    return false;
}

enum accepted { ACCEPTED, ACCEPTED_NOBODY, ACCEPTED_NO_MORE };

/* Accepts one client: nobody is there; or no more can be let in for now. */
static enum accepted worker_accept_one(struct worker *worker, int listener) {
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    peer.ss_family = AF_UNSPEC;
    if (worker_full(worker))
        return ACCEPTED_NO_MORE;
    worker_calls(worker, CALL_ACCEPT);
    int fd = accept4(listener, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    worker_called(worker, CALL_ACCEPT, fd < 0 ? -errno : fd);
    if (fd >= 0)
        worker_let_in(worker, fd, &peer);
    else if (errno == EAGAIN || errno == EINVAL) /* the latter: another worker has shut it */
        return ACCEPTED_NOBODY;
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return worker_find_descriptor(worker, errno) ? ACCEPTED : ACCEPTED_NO_MORE;
    return ACCEPTED; /* or that connection is gone already: the next */
}

/* Accepts from one listener. False: no more can be accepted for now. */
static bool worker_accept_from(struct worker *worker, int listener) {
    unsigned batch = 1 + worker->clients.count / ACCEPT_MORE_PER + worker_invited(worker);
    enum accepted accepted = ACCEPTED;
    while (batch-- > 0 && accepted == ACCEPTED)
        accepted = worker_accept_one(worker, listener);
    if (accepted == ACCEPTED)
        worker_invite(worker);
    if (!worker_full(worker))
        return accepted != ACCEPTED_NO_MORE;
    worker_make_room(worker);
    return false;
}

/* Where it stopped for want of room it goes on with the next listener, lest one is never heard. */
static void worker_accept(struct worker *worker, listener_set rings) {
    int count = worker->listeners->count, first = worker->first_listener;
    for (int i = first; i < first + count; i++) {
        int at = i % count;
        if ((rings >> at & 1) && !worker_accept_from(worker, worker->listeners->fd[at])) {
            worker->first_listener = (at + 1) % count;
            return;
        }
    }
    if (atomic_load_explicit(&worker->clients.flags->crowded, memory_order_relaxed))
        atomic_store_explicit(&worker->clients.flags->crowded, false, memory_order_relaxed);
}

/* From now on nobody new comes to this door; who has is left in its queue, of which shutting a TCP socket would reset
   all. So a SYN is dropped: its sender tries again, and is refused then, or finds our successor. A door that others
   have, too, stays open. */
static void worker_hold_door(const struct listeners *listeners) {
    static struct sock_filter drop_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags in a TCP header */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT_MAX),
    };
    const struct sock_fprog program = {sizeof drop_syn / sizeof drop_syn[0], drop_syn};
    for (int i = 0; i < listeners->count; i++)
        if (listeners_shared(listeners, i))
            continue;
        else if (listeners->local[i].inode)
            shutdown(listeners->fd[i], SHUT_RD); /* this one's queue stays */
        else
            setsockopt(listeners->fd[i], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* Lets in who had come before the stop, or was about to, as places become free; then the door is shut, and who comes is
   told so at once. Of one that others have, too, we may have heard the last ring in their place (EPOLLEXCLUSIVE wakes
   one): so that we answer it, though not a crowd without end. By the second look our model watches it no more. */
static void worker_shut_door(struct worker *worker) {
    struct clock *clock = &worker->env.clock;
    uint64_t until_ms = worker->stopped_at_ms + HOLD_MS;
    for (int i = 0; i < worker->listeners->count; i++) {
        enum accepted accepted = ACCEPTED;
        while (accepted == ACCEPTED && (clock->now_ms < until_ms || !listeners_shared(worker->listeners, i))) {
            accepted = worker_accept_one(worker, worker->listeners->fd[i]);
            clock_update(clock);
        }
        if (accepted == ACCEPTED_NO_MORE && clock->now_ms < until_ms)
            return;
    }
    if (clock->now_ms < worker->stopped_at_ms + ROOM_GRACE_MS)
        return;
    for (int i = 0; i < worker->listeners->count; i++)
        if (!listeners_shared(worker->listeners, i))
            shutdown(worker->listeners->fd[i], SHUT_RD);
    worker->shut = true;
}

unsigned worker_grace_ms(void) {
    return signals_handed_over() ? HAND_OVER_GRACE_MS : ROOM_GRACE_MS;
}

/* Who has been idle goes at once. Who has only just become so may have sent its next request, and is given the time
   that it has when there must be room; who is busy becomes idle, or is told that this was its last. */
static void worker_let_go(struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    unsigned idle_timeout_ms = worker->settings->limits.idle_timeout_ms, cursor = 0;
    struct client *client;
    if (now_ms < worker->let_go_at_ms)
        return;
    worker->let_go_at_ms = now_ms + ROOM_GRACE_MS;
    while ((client = clients_each(&worker->clients, &cursor)))
        if (clients_long_idle(&worker->clients, client, idle_timeout_ms, worker_grace_ms(), now_ms))
            worker->settings->backend->drain(worker->model, client);
}

/* Balancers find out in --drain-delay, and send others elsewhere. Who has a successor need not tell them: that answers
   at the same address. */
static void worker_leave(struct worker *worker) {
    bool replaced = signals_handed_over();
    worker->leaving = true;
    worker->stop_at_ms = worker->env.clock.now_ms + (replaced ? 0 : worker->settings->drain_delay_ms);
    atomic_store_explicit(&worker->clients.flags->leaving, !replaced, memory_order_relaxed);
}

void worker_check_stop(struct worker *worker) {
    atomic_store_explicit(&worker->turned, true, memory_order_relaxed);
    worker_renew(worker);
    if (worker == worker->all && worker->shared.tend)
        worker->tend_at_ms = worker->shared.tend(worker->shared.server, worker->env.clock.now_ms);
    if (!signals_stopping())
        return;
    if (!worker->leaving)
        worker_leave(worker);
    if (worker->env.clock.now_ms < worker->stop_at_ms)
        return;
    if (!worker->draining) {
        worker->draining = worker->env.draining = true;
        worker->stopped_at_ms = worker->env.clock.now_ms;
        worker->drain_until_ms = worker->stopped_at_ms + DRAIN_MS;
        /* Tells forked children, too. */
        atomic_store_explicit(&worker->clients.flags->crowded, true, memory_order_relaxed);
        worker_hold_door(worker->listeners);
    }
    if (!worker->shut)
        worker_shut_door(worker);
    worker_let_go(worker);
}

static bool worker_is_done(const struct worker *worker) {
    return worker->draining &&
           ((worker->shut && worker->clients.count == 0) || worker->env.clock.now_ms >= worker->drain_until_ms);
}

void worker_run(struct worker *worker) {
    sandbox_narrow(SANDBOX_WORKER);
    worker_check_stop(worker); /* a signal that came before there was anybody to wake */
    while (!worker_is_done(worker)) {
        if (worker->clients.count <= worker->leave_above)
            worker->leave_until_ms = 0; /* its own are gone before the others were there */
        listener_set rings = worker->settings->backend->wait(worker->model, worker_accepting(worker));
        if (rings && !worker->draining)
            worker_accept(worker, rings);
        worker_watch_round(worker);
        worker_check_stop(worker);
    }
    worker_stop(worker);
}
