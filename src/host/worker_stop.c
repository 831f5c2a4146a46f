/* How a worker comes to its end once the server has been asked to stop: by a signal, or as a successor serves. There is
   no way back. Between its rounds the worker goes from one state to the next:

   leaving    For --drain-delay all is as before, but the health path answers 503: balancers learn that they should send
              new clients elsewhere. With a successor, which answers at the same address, there is no delay.
   draining   Nobody new comes to the door. Who was in its queue is still let in as places become free, for HOLD_MS.
              Each reply says Connection: close, and idle connections are closed.
   shut       Draining, and the door is shut: who connects now is refused at once.
   stopped    The door is shut and no client is left; or DRAIN_MS have passed since draining began, and those who are
              left are cut off. */
#define _GNU_SOURCE
#include "host/worker_stop.h"
#include "host/signals.h"
#include "host/worker_accept.h"

#include <limits.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

unsigned worker_grace_ms(void) {
    return signals_handed_over() ? HAND_OVER_GRACE_MS : ROOM_GRACE_MS;
}

static void worker_begin_leaving(struct worker *worker) {
    bool replaced = signals_handed_over();
    worker->leaving = true;
    worker->drain_at_ms = worker->env.clock.now_ms + (replaced ? 0 : worker->settings->drain_delay_ms);
    atomic_store_explicit(&worker->clients.flags->leaving, !replaced, memory_order_relaxed);
}

/* From now on nobody new comes to the door, but those who are in its queue stay there. Shutting a listening TCP socket
   would reset them all, so a filter drops each SYN: its sender tries again a second later, and is refused then, or is
   answered by our successor. A listener that other processes have too is left as it is. */
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

static void worker_begin_draining(struct worker *worker) {
    worker->draining = worker->env.draining = true;
    worker->draining_since_ms = worker->env.clock.now_ms;
    worker->drain_until_ms = worker->draining_since_ms + DRAIN_MS;
    /* Forked children can't see `draining`; this flag they can, and it too has replies say Connection: close. */
    atomic_store_explicit(&worker->clients.flags->crowded, true, memory_order_relaxed);
    worker_hold_door(worker->listeners);
}

/* Lets in those in the queues. Returns false if there may be more of them for whom a place may yet become free.

   Where other processes listen too, the kernel may have woken us in their place (EPOLLEXCLUSIVE wakes one): so we do
   accept there, but only until HOLD_MS are over, as new clients keep coming. */
static bool worker_accept_last(struct worker *worker) {
    struct clock *clock = &worker->env.clock;
    uint64_t until_ms = worker->draining_since_ms + HOLD_MS;
    for (int i = 0; i < worker->listeners->count; i++) {
        enum accepted accepted = ACCEPTED;
        while (accepted == ACCEPTED && (clock->now_ms < until_ms || !listeners_shared(worker->listeners, i))) {
            accepted = worker_accept_one(worker, worker->listeners->fd[i]);
            clock_update(clock);
        }
        if (accepted == ACCEPTED_NO_MORE && clock->now_ms < until_ms)
            return false;
    }
    return true;
}

/* Not before ROOM_GRACE_MS: handshakes that were under way when the door was held may still end until then, and by then
   the model has made a round in which it didn't watch the door. */
static void worker_shut_door(struct worker *worker) {
    if (!worker_accept_last(worker) || worker->env.clock.now_ms < worker->draining_since_ms + ROOM_GRACE_MS)
        return;
    for (int i = 0; i < worker->listeners->count; i++)
        if (!listeners_shared(worker->listeners, i))
            shutdown(worker->listeners->fd[i], SHUT_RD);
    worker->shut = true;
}

/* Closes the clients that have been idle for a while. The next request of one that became idle just now may be on its
   way, so it is left for worker_grace_ms(). One that is busy is told in its reply that this was the last. */
static void worker_drain_idle(struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    unsigned idle_timeout_ms = worker->settings->limits.idle_timeout_ms, cursor = 0;
    struct client *client;
    if (now_ms < worker->idle_look_at_ms)
        return;
    worker->idle_look_at_ms = now_ms + ROOM_GRACE_MS;
    while ((client = clients_each(&worker->clients, &cursor)))
        if (clients_long_idle(&worker->clients, client, idle_timeout_ms, worker_grace_ms(), now_ms))
            worker->settings->backend->drain(worker->model, client);
}

void worker_stop(struct worker *worker) {
    if (!worker->leaving)
        worker_begin_leaving(worker);
    if (worker->env.clock.now_ms < worker->drain_at_ms)
        return;
    if (!worker->draining)
        worker_begin_draining(worker);
    if (!worker->shut)
        worker_shut_door(worker);
    worker_drain_idle(worker);
}

bool worker_stopped(const struct worker *worker) {
    return worker->draining &&
           ((worker->shut && worker->clients.count == 0) || worker->env.clock.now_ms >= worker->drain_until_ms);
}
