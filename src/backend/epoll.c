/* Connections wait in the kernel's epoll set, which tells only of those that can move: the cost of a wake-up doesn't
   grow with the connections that are open.

   Level-triggered, the set holds what each connection wants now, and is told whenever that changes. Edge-triggered,
   each is registered once, for both directions, and an event says that something has changed since: so a connection is
   driven until it would block, and one that is stopped before, having had its share, is in the worker's line. */
#define _GNU_SOURCE
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

struct epolled {
    struct worker *worker;
    int fd;
    bool watching_door;
    uint32_t first_events; /* what a new client is registered for */
    void (*note_wants)(struct epolled *self, struct client *client, enum drive_want want);
    struct epoll_event events[EVENTS_MAX];
};

/* What an event's data points to if it is no client: listener_marks[i] for listener i, and wake_mark. */
static char listener_marks[LISTEN_MAX], wake_mark;

static bool epoll_set(struct epolled *self, int op, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    worker_calls(self->worker, CALL_EPOLL_CTL);
    bool ok = epoll_ctl(self->fd, op, fd, &event) == 0;
    worker_called(self->worker, CALL_EPOLL_CTL, ok ? 0 : -errno);
    return ok;
}

/* Level-triggered: the set follows what the connection wants, which is its `model`. Who is in line or waits for a load
   is told of nothing but the end, and of that once. */
static void epoll_lt_wants(struct epolled *self, struct client *client, enum drive_want want) {
    static const uint32_t events[] = {
        [WANT_READ] = EPOLLIN, [WANT_WRITE] = EPOLLOUT, [WANT_LOAD] = EPOLLET, [WANT_TURN] = EPOLLET};
    if (client->model != (int)events[want])
        epoll_set(self, EPOLL_CTL_MOD, client->fd, events[want], client);
    client->model = (int)events[want];
}

/* Edge-triggered: nothing to say. */
static void epoll_et_wants(struct epolled *self, struct client *client, enum drive_want want) {
    (void)self, (void)client, (void)want;
}

/* Where the kernel won't, it is tried again after a rest. */
static void epoll_watch_door(struct epolled *self, bool accepting) {
    const struct listeners *listeners = self->worker->listeners;
    self->watching_door = accepting;
    for (int i = 0; i < listeners->count; i++) {
        bool ok = epoll_set(self, accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listeners->fd[i], EPOLLIN | EPOLLEXCLUSIVE,
                            &listener_marks[i]);
        if (!ok && accepting) {
            worker_lacks(self->worker, "can't watch for connections", errno, "; raise fs.epoll.max_user_watches");
            epoll_watch_door(self, false);
            return;
        }
    }
}

static struct epolled *epoll_open(struct worker *worker) {
    struct epolled *self = malloc(sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    *self = (struct epolled){.worker = worker, .fd = epoll_create1(EPOLL_CLOEXEC)};
    if (self->fd < 0 || !epoll_set(self, EPOLL_CTL_ADD, worker->wake_fd, EPOLLIN, &wake_mark)) {
        say("can't make an epoll set: %s", strerror(errno));
        free(self);
        return NULL;
    }
    return self;
}

static void *epoll_lt_open(struct worker *worker) {
    struct epolled *self = epoll_open(worker);
    if (self) {
        self->first_events = EPOLLIN;
        self->note_wants = epoll_lt_wants;
    }
    return self;
}

static void *epoll_et_open(struct worker *worker) {
    struct epolled *self = epoll_open(worker);
    if (self) {
        self->first_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
        self->note_wants = epoll_et_wants;
    }
    return self;
}

static void epoll_note(struct epolled *self, struct client *client, enum drive_want want) {
    if (want != WANT_NOTHING)
        self->note_wants(self, client, want);
}

static void epoll_turn(struct epolled *self, struct client *client) {
    epoll_note(self, client, worker_turn(self->worker, client));
}

static listener_set epoll_serve(struct epolled *self, const struct epoll_event *event) {
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
    epoll_turn(self, client);
    return 0;
}

static listener_set epoll_model_wait(void *model, bool accepting) {
    struct epolled *self = model;
    struct worker *worker = self->worker;
    struct client *client;
    unsigned cursor = 0;
    listener_set rings = 0;
    if (accepting != self->watching_door)
        epoll_watch_door(self, accepting);
    worker_calls(worker, CALL_EPOLL);
    int ready = epoll_wait(self->fd, self->events, EVENTS_MAX, worker_event_timeout(worker));
    worker_called(worker, CALL_EPOLL, ready);
    worker_round(worker);
    for (int i = 0; i < ready; i++)
        rings |= epoll_serve(self, &self->events[i]);
    while ((client = worker_loaded(worker)))
        epoll_turn(self, client);
    while ((client = clients_expired(&worker->clients, worker->env.clock.now_ms, &cursor)))
        epoll_note(self, client, worker_timed_out(worker, client));
    while ((client = worker_next_turn(worker)))
        epoll_turn(self, client);
    return rings;
}

static void epoll_take(void *model, struct client *client) {
    struct epolled *self = model;
    client->model = EPOLLIN; /* WANT_READ to epoll_lt_wants */
    if (!epoll_set(self, EPOLL_CTL_ADD, client->fd, self->first_events, client))
        worker_hang_up_exhausted(self->worker, client, "can't watch a connection", errno);
}

static void epoll_drain(void *model, struct client *client) {
    struct epolled *self = model;
    conn_drain(&client->conn);
    epoll_turn(self, client);
}

static void epoll_close(void *model) {
    close(((struct epolled *)model)->fd);
    free(model);
}

static const int epoll_calls[] = {
    SYS_epoll_ctl,
    SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    FILTER_END,
};

const struct backend epoll_lt_backend = {
    .name = "epoll-lt",
    .summary = "epoll, told what each connection wants",
    .calls = epoll_calls,
    .open = epoll_lt_open,
    .wait = epoll_model_wait,
    .take = epoll_take,
    .drain = epoll_drain,
    .close = epoll_close,
};

const struct backend epoll_et_backend = {
    .name = "epoll-et",
    .summary = "epoll, told once, reports changes (the default)",
    .calls = epoll_calls,
    .open = epoll_et_open,
    .wait = epoll_model_wait,
    .take = epoll_take,
    .drain = epoll_drain,
    .close = epoll_close,
};
