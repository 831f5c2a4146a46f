#define _GNU_SOURCE
#include "host/drive.h"
#include "host/clients.h"
#include "site/version.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* What one connection may move before the others' turn: at loopback speed some hundred microseconds. */
    TURN_BYTES = 1024 * 1024,
    FILE_SLICE = 256 * 1024,
};

static int drive_flags(const struct outq_send *send_op) {
    return MSG_NOSIGNAL | MSG_DONTWAIT | (send_op->more ? MSG_MORE : 0);
}

static ssize_t drive_send(int fd, const struct outq_send *send_op) {
    int flags = drive_flags(send_op);
    if (send_op->iov_count == 1)
        return send(fd, send_op->iov[0].iov_base, send_op->iov[0].iov_len, flags);
    struct msghdr message = {.msg_iov = send_op->iov, .msg_iovlen = send_op->iov_count};
    return sendmsg(fd, &message, flags);
}

bool drive_may_send(const struct outq_send *send, bool end) {
    return version_same(send->source, end);
}

/* Sent from the mapping, a file's pages are copied while they are still in the caches, which on fast links costs less
   than having the network stack refer to them, as sendfile(2) does; and what was queued can't change any more when the
   file does. The end is read to memory and, when the file has proved to be unchanged since, sent from there. All before
   it was copied into the socket earlier, so this one look vouches for the whole. */
static ssize_t drive_send_file(const struct drive *drive, int fd, const struct outq_send *op) {
    const bool end = op->len <= drive->buffer_len;
    const char *at = op->source->map ? op->source->map + op->first : NULL;
    size_t len = end ? op->len : op->len - drive->buffer_len, most = at ? FILE_SLICE : drive->buffer_len;
    if (len > most)
        len = most;
    if (end || !at) {
        ssize_t n = pread(op->source->fd, drive->buffer, len, (off_t)op->first);
        if (n < 0 || (size_t)n < len)
            return n < 0 ? -1 : 0;
        at = drive->buffer;
    }
    if (!drive_may_send(op, end))
        return 0;
    ssize_t n = send(fd, at, len, drive_flags(op));
    return n < 0 && errno == EFAULT ? 0 : n; /* the mapping ends where the file, truncated, does now */
}

/* Returns an op's result, -errno for an error. */
static ssize_t drive_try(const struct drive *drive, int fd, const struct conn_op *op) {
    ssize_t n = 0;
    do {
        switch (op->kind) {
        case OP_RECV:
            n = recv(fd, drive->buffer, drive_recv_len(drive, op), MSG_DONTWAIT);
            break;
        case OP_SEND:
            n = drive_send(fd, &op->send);
            break;
        case OP_SENDFILE:
            n = drive_send_file(drive, fd, &op->send);
            break;
        case OP_FIN:
            n = shutdown(fd, SHUT_WR);
            break;
        case OP_CLOSE:
            break;
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Lets the others have the lock meanwhile. */
static ssize_t drive_do(const struct drive *drive, const struct conn_env *env, int fd, const struct conn_op *op) {
    if (!env->lock)
        return drive_try(drive, fd, op);
    pthread_mutex_unlock(env->lock);
    ssize_t n = drive_try(drive, fd, op);
    pthread_mutex_lock(env->lock);
    return n;
}

static size_t iov_total(const struct outq_send *op) {
    size_t total = 0;
    for (unsigned i = 0; i < op->iov_count; i++)
        total += op->iov[i].iov_len;
    return total;
}

enum drive_want drive(struct drive *drive, int fd, struct conn *conn, bool hangup) {
    size_t turn = 0;
    bool drained = drive->drained, full = false; /* the socket's receive and send queues */
    enum drive_want want;
    struct conn_op op;
    drive->drained = false;
    for (;;) {
        conn_next(conn, &op);
        bool input = op.kind == OP_RECV;
        want = op.kind == OP_CLOSE ? WANT_NOTHING : input ? WANT_READ : WANT_WRITE;
        if (op.kind == OP_CLOSE || (input ? drained && !conn_leaving(conn) : full))
            break;
        if (turn >= TURN_BYTES) {
            want = WANT_TURN;
            break;
        }
        ssize_t n = drive_do(drive, conn->env, fd, &op);
        if (n == -EAGAIN && !conn_leaving(conn))
            break;
        drive->moves++;
        turn += n > 0 ? (size_t)n : 0;
        if (input && n > 0) {
            drained = (size_t)n < drive_recv_len(drive, &op) && !hangup;
            conn_feed(conn, drive->buffer, (size_t)n);
        } else {
            full = op.kind == OP_SEND && n > 0 && (size_t)n < iov_total(&op.send);
            conn_done(conn, n);
        }
    }
    return want;
}

enum drive_want serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx) {
    struct conn *conn = &client->conn;
    for (;;) {
        enum drive_want want = drive(hands, client->fd, conn, client->hangup);
        if (want == WANT_NOTHING)
            return want;
        int result = wait(ctx, client, want);
        if (result == SERVE_LEAVE)
            return want;
        if (result != 0)
            conn_done(conn, result);
    }
}
