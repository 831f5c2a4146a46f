/* All connections wait in one select(2). Its sets are bit maps of FD_SETSIZE (1024) descriptors: a higher one would be
   written beyond their end, so a client whose descriptor doesn't fit is refused. */
#define _GNU_SOURCE
#include "base/say.h"
#include "guard/filter.h"
#include "host/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/syscall.h>

/* What the process has open besides clients, below FD_SETSIZE: listeners, roots, what is being loaded; or more, where it
   has inherited more. Files that are kept open are above; where the limit of descriptors leaves no room there, it leaves
   clients that much less. */
enum { OTHER_FDS = 96, LOADING_FDS = 64 };

struct selected {
    struct worker *worker;
    struct client *clients[FD_SETSIZE]; /* by descriptor */
    fd_set read, write;                 /* what they want */
    int top;                            /* no higher descriptor is in use */
    bool refused;                       /* it has been said that clients are refused */
};

/* How many descriptors clients may have, of all workers. */
static unsigned select_room(void) {
    unsigned others = LOADING_FDS;
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        others += fcntl(fd, F_GETFD) >= 0;
    if (others < OTHER_FDS)
        others = OTHER_FDS;
    return others < FD_SETSIZE ? FD_SETSIZE - others : 0;
}

static void *select_open(struct worker *worker) {
    struct selected *self = calloc(1, sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    self->worker = worker;
    unsigned share = select_room() / (unsigned)worker->settings->workers;
    if (worker->clients.capacity > share)
        worker->clients.capacity = share;
    worker_files_above(worker, FD_SETSIZE);
    if (share == 0 || worker->wake_fd >= FD_SETSIZE) {
        say("-m select can't watch descriptors above %d, and too few are free: run fewer workers, or have it inherit less",
            FD_SETSIZE - 1);
        free(self);
        return NULL;
    }
    return self;
}

static void select_wants(struct selected *self, int fd, enum drive_want want) {
    FD_CLR(fd, &self->read);
    FD_CLR(fd, &self->write);
    if (want == WANT_READ)
        FD_SET(fd, &self->read);
    if (want == WANT_WRITE)
        FD_SET(fd, &self->write);
    if (want == WANT_NOTHING)
        self->clients[fd] = NULL;
}

static void select_turn(struct selected *self, int fd) {
    select_wants(self, fd, worker_turn(self->worker, self->clients[fd]));
}

static void watch(fd_set *set, int fd, int *top) {
    FD_SET(fd, set);
    if (fd > *top)
        *top = fd;
}

static listener_set select_wait(void *model, bool accepting) {
    struct selected *self = model;
    struct worker *worker = self->worker;
    const struct listeners *listeners = worker->listeners;
    fd_set read = self->read, write = self->write;
    int top = self->top, timeout = worker_event_timeout(worker);
    listener_set rings = 0;
    watch(&read, worker->wake_fd, &top);
    for (int i = 0; accepting && i < listeners->count; i++)
        watch(&read, listeners->fd[i], &top);
    struct timeval limit = {timeout / 1000, timeout % 1000 * 1000};
    worker_calls(worker, CALL_SELECT);
    int ready = select(top + 1, &read, &write, NULL, timeout < 0 ? NULL : &limit);
    worker_called(worker, CALL_SELECT, ready);
    worker_round(worker);
    if (ready > 0) {
        if (FD_ISSET(worker->wake_fd, &read))
            worker_woken(worker);
        for (int i = 0; accepting && i < listeners->count; i++)
            rings |= (listener_set)(FD_ISSET(listeners->fd[i], &read) != 0) << i;
        for (int fd = 0; fd <= self->top; fd++)
            if (self->clients[fd] && (FD_ISSET(fd, &read) || FD_ISSET(fd, &write)))
                select_turn(self, fd);
    }
    struct client *client;
    unsigned cursor = 0;
    while ((client = worker_loaded(worker)))
        select_turn(self, client->fd);
    while ((client = clients_expired(&worker->clients, worker->env.clock.now_ms, &cursor))) {
        int fd = client->fd;
        select_wants(self, fd, worker_timed_out(worker, client));
    }
    while ((client = worker_next_turn(worker)))
        select_turn(self, client->fd);
    return rings;
}

static void select_take(void *model, struct client *client) {
    struct selected *self = model;
    if (client->fd >= FD_SETSIZE) {
        if (!self->refused)
            say("-m select can't watch descriptors above %d: connections are refused", FD_SETSIZE - 1);
        self->refused = true;
        worker_hang_up(self->worker, client);
        return;
    }
    self->clients[client->fd] = client;
    if (client->fd > self->top)
        self->top = client->fd;
    select_wants(self, client->fd, WANT_READ);
}

static void select_drain(void *model, struct client *client) {
    conn_drain(&client->conn);
    select_turn(model, client->fd);
}

static const int select_calls[] = {
    SYS_pselect6,
#ifdef SYS_select
    SYS_select,
#endif
    FILTER_END,
};

const struct backend select_backend = {
    .name = "select",
    .summary = "all connections in one select set, at most 928",
    .calls = select_calls,
    .open = select_open,
    .wait = select_wait,
    .take = select_take,
    .drain = select_drain,
    .close = free,
};
