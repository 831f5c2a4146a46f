/* A coroutine per client that is being served: serve() runs as it does in a thread, but on a small stack of ours, and
   where a thread would wait in the kernel it switches to the scheduler, a loop around epoll, which switches back when
   there is something to go on with.

   A connection that waits for its next request has nothing on its stack that it needs: serve() leaves it, the stack
   goes to the next client that has work, and an idle connection costs what it does under plain epoll. So there are as
   many stacks in use as connections in the middle of something: the one given back last, still in the caches, first.

   Descriptors are registered once, for both directions and edge-triggered. No event is missed: serve() waits when the
   socket has said that it would block, or has been drained, and what comes after that is told in the next round, as
   nobody asks the kernel in between. */
#define _GNU_SOURCE
#include "coroutine_switch.h"
#include "say.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

/* Lies at the upper end of its stack. */
struct coroutine {
    struct coroutine_flow flow;
    struct scheduler *scheduler;
    struct client *client;  /* whom it serves */
    struct coroutine *next; /* in the line, or among those that serve nobody */
    bool in_line;
};

struct scheduler {
    struct worker *worker;
    int fd;
    bool watching_door, refused; /* that a client was has been said */
    struct coroutine_flow flow;
    char *stacks;
    unsigned stack_count, used_count;     /* stacks below were used at least once */
    struct coroutine *free;               /* serve nobody */
    struct coroutine *turns, **turns_end; /* those who wait for their next turn */
    struct epoll_event events[EVENTS_MAX];
};

/* What an event's data says that is no client. */
static char door_mark, wake_mark;

static bool scheduler_watch(struct scheduler *self, int op, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(self->fd, op, fd, &event) == 0;
}

/* ---- In a coroutine. */

static int coroutine_wait_for(void *ctx, struct client *client, enum drive_want want) {
    struct coroutine *coroutine = ctx;
    struct scheduler *scheduler = coroutine->scheduler;
    clients_note(&scheduler->worker->clients, client);
    if (want == WANT_READ && conn_idle(&client->conn))
        return SERVE_LEAVE;
    if (want == WANT_TURN) {
        coroutine->in_line = true;
        coroutine->next = NULL;
        *scheduler->turns_end = coroutine;
        scheduler->turns_end = &coroutine->next;
    }
    coroutine_switch(&coroutine->flow, &scheduler->flow);
    return 0; /* a deadline that has passed was told by the scheduler */
}

static void coroutine_main(void *arg) {
    struct coroutine *coroutine = arg;
    struct scheduler *scheduler = coroutine->scheduler;
    struct worker *worker = scheduler->worker;
    for (;;) {
        struct client *client = coroutine->client;
        client->model = NO_COROUTINE;
        if (serve(&worker->drive, client, coroutine_wait_for, coroutine) == WANT_NOTHING)
            worker_hang_up(worker, client);
        coroutine->next = scheduler->free;
        scheduler->free = coroutine;
        coroutine_switch(&coroutine->flow, &scheduler->flow);
    }
}
