/* The door: who is let in, and what is done when nobody can be.

   Workers share the listening sockets. Each time that the kernel wakes a worker it accepts one client, or few: so a
   connection goes to a worker that is free for it, and none waits in the queue of one that is busy or full, as it would
   with SO_REUSEPORT.

   The accept loop exists once, so what can go wrong here is written once: no descriptors, no place. An address with too
   many connections is worker_admit.c's, a stop is worker_stop.c's. */
#define _GNU_SOURCE
#include "host/worker_accept.h"
#include "base/say.h"
#include "host/worker_admit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

bool worker_accepting(const struct worker *worker) {
    uint64_t now_ms = worker->env.clock.now_ms;
    return !worker->draining && now_ms >= worker->rest_until_ms && now_ms >= worker->yield_until_ms;
}

/* How many connections wait to be accepted. For a listening TCP socket the kernel reports that as tcpi_unacked; a unix
   socket only tells whether any does. */
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

/* The kernel may have woken this worker alone for the clients that wait (EPOLLEXCLUSIVE), and others have room. */
static void worker_wake_others(const struct worker *worker) {
    for (int i = 0; i < worker->settings->workers; i++)
        if (&worker->all[i] != worker)
            worker_wake(&worker->all[i]);
}

/* A reload may have lowered the limit below what is open. But a worker without a client always takes one. */
bool worker_full(const struct worker *worker) {
    const struct settings *settings = worker->settings;
    unsigned most =
        worker_part(settings->limits.max_connections, (unsigned)(worker - worker->all), (unsigned)settings->workers);
    unsigned count = worker->clients.count;
    return count == worker->clients.capacity || (count > 0 && count >= most);
}

unsigned worker_note_crowd(struct worker *worker) {
    unsigned count = waiting_count(worker->listeners);
    /* When all are to leave, those who are still let in don't change that. */
    atomic_store_explicit(&worker->clients.flags->crowded, worker->draining || count > 0, memory_order_relaxed);
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
    /* Those asked before may not have left yet: a process of its own takes a while. */
    for (unsigned going = worker->clients.going; going < count && going < ROOM_AT_ONCE; going++) {
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
        clients_set_going(&worker->clients, client);
        worker->settings->backend->drain(worker->model, client);
    }
}

/* What one worker lacks, the others do, too: so it is said once for all of them. */
void worker_lacks(struct worker *worker, const char *what, int error, const char *cure) {
    static _Atomic uint64_t quiet_until_ms;
    uint64_t now_ms = worker->env.clock.now_ms;
    observer_count(&worker->observer, FIGURE_ACCEPT_ERRORS);
    if (now_ms >= atomic_exchange(&quiet_until_ms, now_ms + QUIET_MS))
        say_as(SAY_WARNING, "%s: %s%s", what, strerror(error), cure);
    worker->rest_until_ms = now_ms + ACCEPT_REST_MS;
}

void worker_exhausted(struct worker *worker, const char *what, int error) {
    worker_lacks(worker, what, error, "; raise the limit (ulimit -n, -u) or lower --max-connections");
}

void worker_hang_up_exhausted(struct worker *worker, struct client *client, const char *what, int error) {
    worker_hang_up(worker, client); /* ends a rest, so it comes before the one that begins now */
    worker_exhausted(worker, what, error);
}

/* There is no descriptor for a connection. True: a cached file has given up its own. Else an idle client is asked to
   leave, for later. */
static bool worker_find_descriptor(struct worker *worker, int error) {
    if (filecache_release_fd(worker->serving->site.cache))
        return true;
    worker_exhausted(worker, "can't accept connections", error);
    worker_make_room(worker); /* the first client that leaves ends the rest: worker_hang_up */
    return false;
}

/* A unix socket that has been shut goes on ringing, too, while accept(2) says that nobody is there: only poll(2) tells.
   It is asked once in so many accepts in vain, which -m nonblocking makes all the time; a prime number, so that of
   several listeners each has its turn. */
static bool worker_heard_shut(struct worker *worker, int listener) {
    enum { NOBODY_PER_LOOK = 61 };
    struct pollfd fd = {.fd = listener, .events = POLLRDHUP};
    return ++worker->accept_nobody % NOBODY_PER_LOOK == 0 && poll(&fd, 1, 0) > 0;
}

/* Most errors are those of a connection that has gone already. But some are the listener's, which goes on ringing: a
   policy forbids to accept, or another process that has it, too, has shut it. Our own workers do that in the end, and
   not all at once. */
static enum accepted worker_not_accepted(struct worker *worker, int listener, int error) {
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
        return worker_find_descriptor(worker, error) ? ACCEPTED : ACCEPTED_NO_MORE;
    if (error == EAGAIN && worker_heard_shut(worker, listener)) {
        error = EINVAL;
        worker->accept_errors = ACCEPT_ERRORS_MOST;
    }
    bool nobody = error == EAGAIN || (error == EINVAL && worker->draining);
    worker->accept_errors = nobody ? 0 : worker->accept_errors + 1;
    if (worker->accept_errors < ACCEPT_ERRORS_MOST)
        return nobody ? ACCEPTED_NOBODY : ACCEPTED;
    if (error == EINVAL && worker->leaving)
        worker->rest_until_ms = worker->env.clock.now_ms + ACCEPT_REST_MS;
    else
        worker_lacks(worker, "can't accept connections", error, "");
    return ACCEPTED_NO_MORE;
}

enum accepted worker_accept_one(struct worker *worker, int listener) {
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    peer.ss_family = AF_UNSPEC;
    if (worker_full(worker))
        return ACCEPTED_NO_MORE;
    worker_calls(worker, CALL_ACCEPT);
    int fd = accept4(listener, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    worker_called(worker, CALL_ACCEPT, fd < 0 ? -error : fd);
    if (error)
        return worker_not_accepted(worker, listener, error);
    worker->accept_errors = worker->accept_nobody = 0;
    clock_update(&worker->env.clock); /* or, when the server was stopped within this round, it would be late at once */
    worker_admit(worker, fd, &peer);
    return ACCEPTED;
}

/* Accepts some from one listener (ACCEPT_MORE_PER says how many). False: no more can be let in for now. */
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

/* When there is no room for more, the next time begins with the listener behind this one: else the last listeners might
   never have their turn. */
void worker_accept(struct worker *worker, listener_set rings) {
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
