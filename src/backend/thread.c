/* A thread per client: a connection waits in a blocking recv(2), in a thread that serves nobody else.

   The threads of a worker share its env, cache and table of clients. One lock is held wherever these are touched, and
   let go during every system call on a client. The worker's own thread holds it too, except while it waits for
   newcomers. */
#define _GNU_SOURCE
#include "host/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS_MAX = 1024,
    STACK_LEN = 256 * 1024, /* the deepest path (loading a file) takes 40 KiB; and the receive buffer lies on it */
    RECEIVE_LEN = 16 * 1024,
};

struct threads;

struct thread_start {
    struct threads *threads;
    struct client *client;
};

/* Of one client, on its own stack. */
struct thread {
    struct threads *threads;
    struct drive hands;
    int timeout_ms; /* of a receive, as the socket knows it */
};

struct threads {
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t loaded; /* a load that several may wait for has been done by one of them */
    pthread_cond_t left;   /* a thread has ended */
    pthread_attr_t attr;
    struct thread_start starts[THREADS_MAX]; /* by the client's slot */
};

static void *thread_open(struct worker *worker) {
    pthread_condattr_t monotonic;
    struct threads *self = malloc(sizeof *self);
    if (!self)
        return worker_no_memory(worker);
    self->worker = worker;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->left, &monotonic);
    pthread_cond_init(&self->loaded, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_init(&self->attr);
    pthread_attr_setstacksize(&self->attr, STACK_LEN);
    pthread_attr_setdetachstate(&self->attr, PTHREAD_CREATE_DETACHED);
    if (worker->clients.capacity > THREADS_MAX)
        worker->clients.capacity = THREADS_MAX;
    worker_loads_in_place(worker);
    worker->env.lock = &self->lock;
    worker->env.loaded = &self->loaded;
    pthread_mutex_lock(&self->lock);
    return self;
}

/* A receive may end so much before or after its deadline: so the socket need not be told of each new one. */
enum { SLACK_MS = 50 };

static void thread_limit_receive(struct thread *thread, int fd, int timeout_ms) {
    if (abs(timeout_ms - thread->timeout_ms) <= SLACK_MS)
        return;
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    thread->timeout_ms = timeout_ms;
}

/* Receives for the connection and feeds it. Returns 0, or the error that it is to be told. */
static int thread_receive(struct thread *thread, struct client *client, int timeout_ms) {
    struct threads *self = thread->threads;
    struct drive *hands = &thread->hands;
    struct conn_op op;
    conn_next(&client->conn, &op);
    drive_note(hands, client, EVENT_CALL, CALL_RECV);
    pthread_mutex_unlock(&self->lock);
    if (!client->blocking)
        client->blocking = fcntl(client->fd, F_SETFL, 0) == 0;
    thread_limit_receive(thread, client->fd, timeout_ms);
    size_t asked = drive_recv_len(hands, &op);
    ssize_t n = recv(client->fd, hands->buffer, asked, 0);
    int error = errno;
    uint64_t at_ns = observer_stamp(hands->observer);
    pthread_mutex_lock(&self->lock);
    drive_note_result(hands, client, EVENT_RETURNED, CALL_RECV, n < 0 ? -error : n, at_ns);
    clock_update(&self->worker->env.clock);
    client->drained = n < (ssize_t)asked;
    if (n > 0)
        conn_feed(&client->conn, hands->buffer, (size_t)n);
    else if (n == 0)
        conn_done(&client->conn, 0);
    else if (error != EAGAIN && error != EINTR)
        return -error;
    /* Who drips faster than a receive's timeout can be told, never lets it pass. */
    bool waited = n > 0 ? client->drained : n < 0 && error == EAGAIN;
    return waited && worker_is_late(self->worker, client) ? -ETIMEDOUT : 0;
}

static int thread_wait_for(void *ctx, struct client *client, enum drive_want want) {
    struct thread *thread = ctx;
    struct threads *self = thread->threads;
    struct worker *worker = self->worker;
    uint64_t deadline_ms = conn_deadline(&client->conn), now_ms = worker->env.clock.now_ms;
    int timeout_ms = deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 1; /* 0 would be for ever to a receive */
    clients_note(&worker->clients, client);
    if (want == WANT_READ)
        return thread_receive(thread, client, timeout_ms);
    if (want == WANT_TURN) {
        clock_update(&worker->env.clock);
        return 0;
    }
    struct pollfd fd = {.fd = client->fd, .events = door_events(want)};
    drive_note(&thread->hands, client, EVENT_CALL, CALL_POLL);
    pthread_mutex_unlock(&self->lock);
    int ready = poll(&fd, 1, timeout_ms);
    pthread_mutex_lock(&self->lock);
    drive_note_result(&thread->hands, client, EVENT_RETURNED, CALL_POLL, ready, 0);
    clock_update(&worker->env.clock);
    return ready == 0 && worker_is_late(worker, client) ? -ETIMEDOUT : 0;
}

static void *thread_main(void *arg) {
    struct client *client = ((struct thread_start *)arg)->client;
    struct threads *self = ((struct thread_start *)arg)->threads;
    char buffer[RECEIVE_LEN];
    struct thread thread = {self, self->worker->drive, INT_MAX};
    thread.hands.buffer = buffer;
    thread.hands.buffer_len = sizeof buffer;
    thread.hands.apart = true;
    pthread_mutex_lock(&self->lock);
    serve(&thread.hands, client, thread_wait_for, &thread);
    worker_wake_for_place(self->worker);
    worker_hang_up(self->worker, client);
    pthread_cond_signal(&self->left);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void thread_take(void *model, struct client *client) {
    struct threads *self = model;
    struct thread_start *start = &self->starts[client->index];
    pthread_t thread;
    *start = (struct thread_start){self, client};
    worker_calls(self->worker, CALL_THREAD);
    pthread_mutex_unlock(&self->lock); /* it takes long, and in a crowd nobody else would come to his turn */
    int error = pthread_create(&thread, &self->attr, thread_main, start);
    pthread_mutex_lock(&self->lock);
    worker_called(self->worker, CALL_THREAD, -error);
    if (error)
        worker_hang_up_exhausted(self->worker, client, "can't start a thread", error);
}

static listener_set thread_wait(void *model, bool accepting) {
    struct threads *self = model;
    struct worker *worker = self->worker;
    struct pollfd fds[DOOR_FDS];
    nfds_t door = door_fill(worker, fds, accepting);
    int timeout = worker_timeout(worker);
    worker_calls(worker, CALL_POLL);
    pthread_mutex_unlock(&self->lock);
    int ready = poll(fds, door, timeout);
    pthread_mutex_lock(&self->lock);
    worker_called(worker, CALL_POLL, ready);
    clock_update(&worker->env.clock);
    return ready > 0 ? door_rings(worker, fds, door) : 0;
}

/* The thread of an idle client is in recv. To shut the socket for reading ends that, but only after what has come. */
static void thread_drain(void *model, struct client *client) {
    (void)model;
    conn_drain(&client->conn);
    if (conn_leaving(&client->conn))
        shutdown(client->fd, SHUT_RD);
}

/* Where a thread hangs in a load (a disk), the lock is kept, and all that it uses: if it comes out of that yet, it
   waits for the lock until the process has ended. */
static void thread_close(void *model) {
    struct threads *self = model;
    struct worker *worker = self->worker;
    struct client *client;
    unsigned cursor = 0;
    struct timespec until;
    while ((client = clients_each(&worker->clients, &cursor)))
        shutdown(client->fd, SHUT_RDWR);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOADS_END_MS / 1000;
    while (worker->clients.count > 0)
        if (pthread_cond_timedwait(&self->left, &self->lock, &until) == ETIMEDOUT)
            return;
    worker->env.lock = NULL;
    pthread_mutex_unlock(&self->lock);
    pthread_attr_destroy(&self->attr);
    pthread_cond_destroy(&self->left);
    pthread_cond_destroy(&self->loaded);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

const struct backend thread_backend = {
    .name = "thread",
    .summary = "a thread per client",
    .client_memory = STACK_LEN,
    .open = thread_open,
    .wait = thread_wait,
    .take = thread_take,
    .drain = thread_drain,
    .close = thread_close,
};
