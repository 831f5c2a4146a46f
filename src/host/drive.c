/* One op at a time: the connection says which it wants, it is tried, and its result is told. What stops that is a
   result of the kernel's (-EAGAIN), a load that isn't at hand (-EINPROGRESS, from send_file), or a share that is used
   up. */
#define _GNU_SOURCE
#include "host/drive.h"
#include "base/check.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A share is counted in bytes. What isn't bytes costs as many as could be sent in that time. */
enum {
    OP_COST = 2 * 1024,         /* a system call on a socket */
    LOAD_COST = 16 * 1024,      /* a small file opened and read, or found to be as it was */
    REFERENCE_MAX = 256 * 1024, /* sent by reference at once */
};

_Static_assert(WANT_READ == (int)EVENT_WANTS_READ && WANT_WRITE == (int)EVENT_WANTS_WRITE &&
                   WANT_LOAD == (int)EVENT_WANTS_LOAD && WANT_TURN == (int)EVENT_WANTS_TURN &&
                   WANT_NOTHING == (int)EVENT_WANTS_NOTHING,
               "what a client wants is noted as it is");

/* Nearly every request takes one recv and one send. They are made without glibc: it makes them points of cancellation,
   which costs locked instructions around each as soon as there is a second thread, such as a loader. */
static ssize_t drive_recv(int fd, void *at, size_t len) {
    return syscall(SYS_recvfrom, fd, at, len, MSG_DONTWAIT, NULL, NULL);
}

static ssize_t drive_send(int fd, const struct outq_send *send_op) {
    int flags = send_file_flags(send_op);
    if (send_op->iov_count == 1)
        return syscall(SYS_sendto, fd, send_op->iov[0].iov_base, send_op->iov[0].iov_len, flags, NULL, 0);
    struct msghdr message = {.msg_iov = send_op->iov, .msg_iovlen = send_op->iov_count};
    return sendmsg(fd, &message, flags);
}

ssize_t drive_send_file(const struct drive *drive, struct client *client, const struct outq_send *op) {
    const struct send_file how = {drive->known, drive->buffer, drive->buffer_len, drive->may_wait};
    return send_file(&how, client, op, REFERENCE_MAX);
}

/* Tries an op on the socket once. Returns its result, -errno for an error. */
static ssize_t drive_try(const struct drive *drive, struct client *client, const struct conn_op *op) {
    ssize_t n = 0;
    switch (op->kind) {
    case OP_RECV:
        n = drive_recv(client->fd, drive->buffer, drive_recv_len(drive, op));
        break;
    case OP_SEND:
        n = drive_send(client->fd, &op->send);
        break;
    case OP_SENDFILE:
        return drive_send_file(drive, client, &op->send);
    case OP_FIN:
        n = shutdown(client->fd, SHUT_WR);
        break;
    case OP_LOAD:
    case OP_CLOSE:
        break;
    }
    return n < 0 ? -errno : n;
}

/* Does an op on the socket, with the lock let go and noted as an event. */
static ssize_t drive_do(const struct drive *drive, struct client *client, const struct conn_op *op) {
    static const enum event_call calls[] = {
        [OP_RECV] = CALL_RECV, [OP_SEND] = CALL_SEND, [OP_SENDFILE] = CALL_SEND_FILE, [OP_FIN] = CALL_SHUTDOWN};
    pthread_mutex_t *lock = client->conn.env->lock;
    ssize_t n;
    if (op->kind == OP_RECV) /* a turn begins with it, and that was noted just now */
        drive_note_then(drive, client, EVENT_CALL, CALL_RECV);
    else
        drive_note(drive, client, EVENT_CALL, (int)calls[op->kind]);
    if (lock)
        pthread_mutex_unlock(lock);
    do
        n = drive_try(drive, client, op);
    while (n == -EINTR);
    uint64_t at_ns = observer_stamp(drive->observer);
    if (lock)
        pthread_mutex_lock(lock);
    drive_note_result(drive, client, EVENT_RETURNED, calls[op->kind], n, at_ns);
    return n;
}

static bool drive_load_at_hand(const struct drive *drive, const struct client *client, struct load *load) {
    if (load->state != LOAD_NEW)
        return load->state == LOAD_DONE;
    uint64_t began_ns = observer_now(drive->observer);
    drive_note(drive, client, EVENT_LOAD, 0);
    observer_listen(drive->observer, client->index, drive->apart, false);
    bool done = load->kind->work(load, LOAD_AT_HAND);
    observer_hush();
    if (done) {
        observer_count_load(drive->observer, began_ns);
        load_done(load);
    }
    drive_note(drive, client, EVENT_LOADED, 0);
    return load->state == LOAD_DONE;
}

/* Another thread, which shares the lock, does the load already: waits until it has. */
static ssize_t drive_await_load(const struct conn *conn, const struct load *load) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until); /* which the condition goes by, too */
    until.tv_sec += LOAD_MS / 1000;
    while (load->state != LOAD_DONE)
        if (pthread_cond_timedwait(conn->env->loaded, conn->env->lock, &until) == ETIMEDOUT)
            return -ETIMEDOUT;
    return 0;
}

/* Does a load in place, with the lock let go. Returns 0, or -ETIMEDOUT. */
static ssize_t drive_load_waiting(const struct drive *drive, struct client *client, struct load *load) {
    struct conn *conn = &client->conn;
    pthread_mutex_t *lock = conn->env->lock;
    if (load->state == LOAD_UNDER_WAY)
        return drive_await_load(conn, load);
    if (load->state == LOAD_DONE)
        return 0;
    load->state = LOAD_UNDER_WAY;
    load_get(load);
    uint64_t began_ns = observer_now(drive->observer);
    drive_note(drive, client, EVENT_LOAD, 0);
    observer_listen(drive->observer, client->index, drive->apart, lock != NULL);
    if (lock)
        pthread_mutex_unlock(lock);
    load_work(load);
    if (lock)
        pthread_mutex_lock(lock);
    observer_hush();
    observer_count_load(drive->observer, began_ns);
    drive_note(drive, client, EVENT_LOADED, 0);
    load_done(load);
    load_put(load);
    if (lock)
        pthread_cond_broadcast(conn->env->loaded);
    clock_update(&conn->env->clock);
    return conn->env->clock.now_ms >= conn_deadline(conn) ? -ETIMEDOUT : 0;
}

bool drive_is_for_later(const struct drive *drive, const struct conn_op *op) {
    if (drive->done >= drive->share)
        return true;
    return drive->light && (op->kind == OP_SEND || op->kind == OP_SENDFILE) && op->send.len > drive->share;
}

void drive_forget_load(struct client *client) {
    if (client->load)
        load_put(client->load);
    client->load = NULL;
}

bool drive_load(struct drive *drive, struct client *client, struct load *load) {
    drive->done += LOAD_COST;
    drive->moves++;
    drive_forget_load(client);
    /* Who goes on from one load at hand to the next is always in line, where nobody looks at deadlines. */
    if (load->state == LOAD_NEW && client->conn.env->clock.now_ms >= conn_deadline(&client->conn)) {
        conn_done(&client->conn, -ETIMEDOUT);
        return true;
    }
    if (drive->may_wait) {
        conn_done(&client->conn, drive_load_waiting(drive, client, load));
        return true;
    }
    if (drive_load_at_hand(drive, client, load)) {
        conn_done(&client->conn, 0);
        return true;
    }
    client->load = load_get(load);
    return false;
}

enum drive_want drive(struct drive *drive, struct client *client) {
    struct conn *conn = &client->conn;
    bool full = false; /* the socket's send queue */
    enum drive_want want;
    struct conn_op op;
    drive->done = 0;
    drive_note_then(drive, client, EVENT_RUNS, 0);
    for (;;) {
        conn_next(conn, &op);
        bool input = op.kind == OP_RECV;
        want = op.kind == OP_CLOSE ? WANT_NOTHING : input ? WANT_READ : WANT_WRITE;
        /* What would block, as far as is known, isn't tried. */
        if (op.kind == OP_CLOSE || (input ? client->drained && !conn_leaving(conn) : full))
            break;
        if (drive_is_for_later(drive, &op)) {
            want = WANT_TURN;
            break;
        }
        if (op.kind == OP_LOAD) {
            if (drive_load(drive, client, op.load))
                continue;
            want = WANT_LOAD;
            break;
        }
        ssize_t n = drive_do(drive, client, &op);
        if (n == -EINPROGRESS)
            want = WANT_LOAD;
        if (n == -EINPROGRESS || (n == -EAGAIN && !conn_leaving(conn)))
            break;
        drive->moves++;
        drive->done += OP_COST + (n > 0 ? (size_t)n : 0);
        if (input && n > 0) {
            client->drained = (size_t)n < drive_recv_len(drive, &op) && !client->more;
            conn_feed(conn, drive->buffer, (size_t)n);
        } else {
            full = op.kind == OP_SEND && n > 0 && (size_t)n < op.send.len;
            conn_done(conn, n);
        }
    }
    if (want == WANT_READ || want == WANT_NOTHING) {
        client->drained = false;
        drive_forget_load(client);
    }
    drive_note_then(drive, client, EVENT_WANTS, (int)want);
    return want;
}

enum drive_want serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx) {
    for (;;) {
        enum drive_want want = drive(hands, client);
        if (want == WANT_NOTHING)
            return want;
        int result = wait(ctx, client, want);
        if (result == SERVE_LEAVE)
            return want;
        if (result != 0)
            conn_done(&client->conn, result);
    }
}
