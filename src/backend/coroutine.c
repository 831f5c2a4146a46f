/* A coroutine per client that is being served: serve() runs as it does in a thread, but on a small stack of ours, and
   where a thread would wait in the kernel it switches to the scheduler: a loop around epoll, which switches back when
   there is something to go on with.

   A connection that waits for a request, or for the rest of one, needs nothing that is on its stack. So serve() leaves
   it there, the coroutine takes the next client that has something to do, and whoever is idle or slow to ask costs what
   he does under plain epoll: stacks are in use for replies only.

   Descriptors are registered once, for both directions and edge-triggered. No edge is lost: serve() waits after the
   socket would have blocked, or was drained, and nobody asks the kernel for events before the coroutine is parked. */
#define _GNU_SOURCE
#include "backend/coroutine_switch.h"
#include "base/say.h"
#include "guard/filter.h"
#include "host/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

/* Lies at the upper end of its stack. */
struct coroutine {
    struct coroutine_flow flow;
    struct scheduler *scheduler;
    struct client *client;  /* whom it serves */
    struct coroutine *next; /* of those that serve nobody */
    int index;
};

struct scheduler {
    struct worker *worker;
    int fd;
    bool watching_door;
    bool refused;              /* it has been said that a client was refused, as there was no stack */
    struct coroutine_flow own; /* wait()'s */
    char *stacks;              /* as many as clients */
    int touched;               /* those below were used at least once */
    struct coroutine *free;    /* serve nobody; the last one used, whose stack is in the caches, first */
    struct epoll_event events[EVENTS_MAX];
};

/* What an event's data points to if it is no client: listener_marks[i] for listener i, and wake_mark. */
static char listener_marks[LISTEN_MAX], wake_mark;

/* Runs in the coroutine: parks it until the scheduler runs its client again. If the client is late by then the
   scheduler has told it. */
static int coroutine_wait_for(void *ctx, struct client *client, enum drive_want want) {
    struct coroutine *coroutine = ctx;
    struct scheduler *self = coroutine->scheduler;
    clients_note(&self->worker->clients, client);
    if (want == WANT_READ)
        return SERVE_LEAVE;
    if (worker_note_want(self->worker, client, want))
        coroutine_switch(&coroutine->flow, &self->own);
    return 0;
}

static void coroutine_main(void *arg) {
    struct coroutine *coroutine = arg;
    struct scheduler *self = coroutine->scheduler;
    for (;;) {
        struct client *client = coroutine->client;
        client->model = coroutine->index;
        enum drive_want want = serve(&self->worker->drive, client, coroutine_wait_for, coroutine);
        client->model = 0;
        if (want == WANT_NOTHING)
            worker_hang_up(self->worker, client);
        coroutine->next = self->free;
        self->free = coroutine;
        coroutine_switch(&coroutine->flow, &self->own);
    }
}

/* The one with that index, counted from 1 so that a client's `model` of 0 means that none serves it. */
static struct coroutine *coroutine_at(const struct scheduler *self, int index) {
    return (struct coroutine *)(void *)coroutine_stack_end(self->stacks, (size_t)index - 1) - 1;
}

static struct coroutine *coroutine_open(struct scheduler *self) {
    if (!coroutine_stack_use(self->stacks, (size_t)self->touched)) {
        if (!self->refused)
            say("can't guard a stack: %s; raise vm.max_map_count or lower --max-connections", strerror(errno));
        self->refused = true;
        return NULL;
    }
    struct coroutine *coroutine = coroutine_at(self, ++self->touched);
    *coroutine = (struct coroutine){.scheduler = self, .index = self->touched};
    size_t len = coroutine_stack_len - sizeof *coroutine;
    coroutine_flow_open(&coroutine->flow, (char *)coroutine - len, len, coroutine_main, coroutine);
    return coroutine;
}

/* A coroutine that serves nobody. NULL: there can't be more. */
static struct coroutine *coroutine_take(struct scheduler *self) {
    struct coroutine *coroutine = self->free;
    if (!coroutine)
        return coroutine_open(self);
    self->free = coroutine->next;
    return coroutine;
}

/* Serves a client until it must wait: where it was parked, or, if it has no coroutine, from the beginning. */
static void scheduler_run(struct scheduler *self, struct client *client) {
    if (client->in_line || client->parked)
        return;
    struct coroutine *coroutine = client->model ? coroutine_at(self, client->model) : coroutine_take(self);
    if (!coroutine) {
        worker_hang_up(self->worker, client);
        return;
    }
    coroutine->client = client;
    coroutine_switch(&self->own, &coroutine->flow);
}

static bool scheduler_watch(struct scheduler *self, int op, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    worker_calls(self->worker, CALL_EPOLL_CTL);
    bool ok = epoll_ctl(self->fd, op, fd, &event) == 0;
    worker_called(self->worker, CALL_EPOLL_CTL, ok ? 0 : -errno);
    return ok;
}

/* Where the kernel won't, it is tried again after a rest. */
static void scheduler_watch_door(struct scheduler *self, bool accepting) {
    const struct listeners *listeners = self->worker->listeners;
    self->watching_door = accepting;
    for (int i = 0; i < listeners->count; i++) {
        bool ok = scheduler_watch(self, accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listeners->fd[i],
                                  EPOLLIN | EPOLLEXCLUSIVE, &listener_marks[i]);
        if (!ok && accepting) {
            worker_lacks(self->worker, "can't watch for connections", errno, "; raise fs.epoll.max_user_watches");
            scheduler_watch_door(self, false);
            return;
        }
    }
}

static void *scheduler_open(struct worker *worker) {
    struct scheduler *self = malloc(sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    *self = (struct scheduler){.worker = worker, .fd = epoll_create1(EPOLL_CLOEXEC)};
    self->stacks = coroutine_stacks_open(worker->clients.capacity);
    if (self->fd >= 0 && self->stacks && scheduler_watch(self, EPOLL_CTL_ADD, worker->wake_fd, EPOLLIN, &wake_mark))
        return self;
    say("can't make an epoll set, or stacks for %u connections: %s; choose fewer with --max-connections",
        worker->clients.capacity, strerror(errno));
    free(self);
    return NULL;
}

static listener_set scheduler_serve(struct scheduler *self, const struct epoll_event *event) {
    struct client *client = event->data.ptr;
    uintptr_t listener = (uintptr_t)event->data.ptr - (uintptr_t)listener_marks;
    if (listener < LISTEN_MAX)
        return (listener_set)1 << listener;
    if (event->data.ptr == &wake_mark) {
        worker_woken(self->worker);
        return self->watching_door ? LISTENERS_ALL : 0; /* a full worker may have heard the ring in our place */
    }
    if (client->fd < 0) /* closed, but a process that has just been forked holds it still, until its exec */
        return 0;
    client->drained = false;
    client->more |= (event->events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR)) != 0;
    scheduler_run(self, client);
    return 0;
}

/* As worker_timed_out does it. */
static void scheduler_time_out(struct scheduler *self, struct client *client) {
    if (worker_can_move(client)) {
        scheduler_run(self, client);
        if (client->fd < 0 || !worker_is_late(self->worker, client))
            return;
    }
    if (worker_tell_error(self->worker, client, -ETIMEDOUT))
        scheduler_run(self, client);
}

static listener_set scheduler_wait(void *model, bool accepting) {
    struct scheduler *self = model;
    struct worker *worker = self->worker;
    struct client *client;
    unsigned cursor = 0;
    listener_set rings = 0;
    if (accepting != self->watching_door)
        scheduler_watch_door(self, accepting);
    worker_calls(worker, CALL_EPOLL);
    int ready = epoll_wait(self->fd, self->events, EVENTS_MAX, worker_event_timeout(worker));
    worker_called(worker, CALL_EPOLL, ready);
    worker_round(worker);
    for (int i = 0; i < ready; i++)
        rings |= scheduler_serve(self, &self->events[i]);
    while ((client = worker_loaded(worker)))
        scheduler_run(self, client);
    while ((client = clients_expired(&worker->clients, worker->env.clock.now_ms, &cursor)))
        scheduler_time_out(self, client);
    while ((client = worker_next_turn(worker)))
        scheduler_run(self, client);
    return rings;
}

static void scheduler_take(void *model, struct client *client) {
    struct scheduler *self = model;
    if (!scheduler_watch(self, EPOLL_CTL_ADD, client->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET, client))
        worker_hang_up_exhausted(self->worker, client, "can't watch a connection", errno);
}

static void scheduler_drain(void *model, struct client *client) {
    struct scheduler *self = model;
    conn_drain(&client->conn);
    scheduler_run(self, client);
}

/* Clients that are left in the middle of something have nothing on their stacks that must be given back. */
static void scheduler_close(void *model) {
    struct scheduler *self = model;
    for (int i = 1; i <= self->touched; i++)
        coroutine_flow_close(&coroutine_at(self, i)->flow);
    coroutine_stacks_close(self->stacks, self->worker->clients.capacity);
    close(self->fd);
    free(self);
}

static const int scheduler_calls[] = {
    SYS_epoll_ctl,
    SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    FILTER_END,
};

const struct backend coroutine_backend = {
    .name = "coroutine",
    .summary = "a small stack per client at work, switched by an epoll loop",
    .client_memory = 64 * 1024, /* of its stack; where links are resolved by hand it may be 88: coroutine_switch.c */
    .calls = scheduler_calls,
    .open = scheduler_open,
    .wait = scheduler_wait,
    .take = scheduler_take,
    .drain = scheduler_drain,
    .close = scheduler_close,
};
