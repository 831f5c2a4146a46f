/* A process per client: a connection waits in poll(2) on its own descriptor, in a child that serves nobody else.

   The table of clients is shared memory, so the parent sees which child has been idle longest when it must make room;
   it lets one go, and wakes it with SIGTERM. One that comes from elsewhere, as all of a service get one, tells it
   nothing: its parent gets it, too, and goes on serving as long as --drain-delay says. A child that loses its parent is
   killed by the kernel. */
#define _GNU_SOURCE
#include "guard/filter.h"
#include "guard/sandbox.h"
#include "host/door.h"
#include "host/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct forked {
    struct worker *worker;
    pid_t parent;
};

static void *fork_open(struct worker *worker) {
    struct forked *self = malloc(sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    *self = (struct forked){worker, getpid()};
    if (worker->clients.capacity > CHILDREN_MAX)
        worker->clients.capacity = CHILDREN_MAX;
    signals_watch_children();
    worker_loads_in_place(worker);
    return self;
}

static int fork_wait_for(void *ctx, struct client *client, enum drive_want want) {
    struct worker *worker = ctx;
    struct pollfd fds[2] = {{.fd = door_fd(client, want), .events = door_events(want)},
                            {.fd = worker->wake_fd, .events = POLLIN}};
    worker_renew_in_place(worker, client);
    int timeout = want == WANT_TURN ? 0 : worker_client_timeout(worker, client);
    clients_note(&worker->clients, client);
    if (atomic_load_explicit(&client->leave, memory_order_relaxed)) {
        worker->env.draining = true;
        timeout = timeout < ROOM_GRACE_MS ? timeout : ROOM_GRACE_MS; /* the next request may be on its way */
        if (clients_long_idle(&worker->clients, client, worker->settings->limits.idle_timeout_ms, worker_grace_ms(),
                              worker->env.clock.now_ms)) {
            conn_drain(&client->conn);
            return 0;
        }
    }
    drive_note(&worker->drive, client, EVENT_CALL, CALL_POLL);
    int ready = poll(fds, 2, timeout);
    drive_note_result(&worker->drive, client, EVENT_RETURNED, CALL_POLL, ready, 0);
    clock_update(&worker->env.clock);
    if (ready > 0 && fds[1].revents)
        worker_woken(worker);
    worker_renew_in_place(worker, client);                  /* before a request that has come meanwhile */
    client->drained = want != WANT_READ || !fds[0].revents; /* and so that none is received without a look here */
    return ready == 0 && want != WANT_TURN && worker->env.clock.now_ms >= conn_deadline(&client->conn) ? -ETIMEDOUT : 0;
}

static _Noreturn void fork_child(struct forked *self, struct client *client) {
    struct worker *worker = self->worker;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self->parent)
        _exit(1);
    sandbox_narrow(SANDBOX_CHILD);
    worker_in_child(worker, client);
    signals_forget();
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake_fd < 0)
        _exit(1);
    signals_wake(worker->wake_fd);
    for (int i = 0; i < worker->listeners->count; i++)
        close(worker->listeners->fd[i]);
    listeners_drop_report(worker->listeners);
    worker->rest_until_ms = worker->yield_until_ms = worker->tend_at_ms = 0; /* the parent's */
    worker->draining = worker->leaving = false;
    clock_update(&worker->env.clock);
    worker_renew_in_place(worker, client); /* the parent may have done so since, and told it */
    client->drained = true;
    serve(&worker->drive, client, fork_wait_for, worker);
    conn_close(&client->conn);
    shutdown(client->fd, SHUT_WR); /* a child of another worker may have inherited it */
    _exit(0);
}

static void fork_take(void *model, struct client *client) {
    struct forked *self = model;
    self->worker->reloads = signals_reloads(); /* a signal from here on is the child's, too */
    observer_before_child(&self->worker->observer, client->index);
    worker_calls(self->worker, CALL_FORK);
    pid_t pid = fork();
    if (pid == 0)
        fork_child(self, client);
    worker_called(self->worker, CALL_FORK, pid < 0 ? -errno : pid);
    if (pid < 0) {
        worker_exhausted(self->worker, "can't fork", errno);
        shutdown(client->fd, SHUT_RDWR); /* a child of another worker may have inherited it */
    }
    worker_calls(self->worker, CALL_CLOSE);
    worker_called(self->worker, CALL_CLOSE, close(client->fd));
    client->model = pid;
    if (pid < 0) {
        conn_close(&client->conn);
        clients_drop(&self->worker->clients, client);
    }
}

/* Children of other workers are other threads' to reap: __WNOTHREAD. */
static void fork_reap(struct worker *worker) {
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG | __WNOTHREAD)) > 0) {
        struct client *client;
        unsigned cursor = 0;
        while ((client = clients_each(&worker->clients, &cursor)) && client->model != pid)
            ;
        if (client)
            clients_drop(&worker->clients, client);
        worker->rest_until_ms = 0;
    }
}

static listener_set fork_wait(void *model, bool accepting) {
    struct worker *worker = ((struct forked *)model)->worker;
    struct pollfd fds[DOOR_FDS];
    nfds_t door = door_fill(worker, fds, accepting);
    worker_calls(worker, CALL_POLL);
    int ready = poll(fds, door, worker_timeout(worker));
    worker_called(worker, CALL_POLL, ready);
    clock_update(&worker->env.clock);
    listener_set rings = ready > 0 ? door_rings(worker, fds, door) : 0;
    fork_reap(worker);
    return rings;
}

static void fork_drain(void *model, struct client *client) {
    (void)model;
    atomic_store(&client->leave, true);
    kill(client->model, SIGTERM);
}

/* A child reads the configuration by itself. */
static void fork_renew(void *model) {
    const struct worker *worker = ((struct forked *)model)->worker;
    struct client *client;
    unsigned cursor = 0;
    while ((client = clients_each(&worker->clients, &cursor)))
        kill(client->model, SIGHUP);
}

/* A child that hangs in the kernel (a disk) ends only when it comes out of there: it isn't waited for long. */
static void fork_close(void *model) {
    struct worker *worker = ((struct forked *)model)->worker;
    struct pollfd wake = {.fd = worker->wake_fd, .events = POLLIN};
    struct client *client;
    unsigned cursor = 0;
    while ((client = clients_each(&worker->clients, &cursor)))
        kill(client->model, SIGKILL);
    while (worker->clients.count > 0 && poll(&wake, 1, LOADS_END_MS) != 0) {
        worker_woken(worker);
        fork_reap(worker);
    }
    for (cursor = 0; (client = clients_each(&worker->clients, &cursor));)
        clients_drop(&worker->clients, client);
    free(model);
}

/* clone is fork(2) as the C library makes it. */
static const int fork_calls[] = {
    SYS_clone,  SYS_wait4, SYS_kill, SYS_prctl,
#ifdef SYS_fork
    SYS_fork,
#endif
    FILTER_END,
};

const struct backend fork_backend = {
    .name = "fork",
    .client_memory =
        2 * CHILD_CACHE_BYTES, /* what is said of files in the cache, and pages that are no longer shared */
    .summary = "a process per client",
    .calls = fork_calls,
    .open = fork_open,
    .wait = fork_wait,
    .take = fork_take,
    .drain = fork_drain,
    .renew = fork_renew,
    .close = fork_close,
};
