/* Does what a connection wants, until it would have to wait. The only place that receives from clients and sends to
   them, but for the models whose very wait is such an operation. */
#ifndef DRIVE_H
#define DRIVE_H

#include "engine/conn.h"

enum drive_want {
    WANT_READ,   /* call again when the socket is readable, */
    WANT_WRITE,  /* writable, */
    WANT_TURN,   /* or soon: it has had its share and others shall have theirs */
    WANT_NOTHING /* it is finished: close it */
};

/* A buffer to receive into, one per thread of control, and a note of what came of it. */
struct drive {
    char *buffer;
    size_t buffer_len;
    bool drained;   /* said to drive(), which forgets it: the caller has just received all there was */
    uint64_t moves; /* ops that did something: tells a sweep whether to nap */
};

/* How much an OP_RECV asks for. */
static inline size_t drive_recv_len(const struct drive *drive, const struct conn_op *op) {
    return op->recv_max < drive->buffer_len ? op->recv_max : drive->buffer_len;
}

/* Whether the file of this range is still the one that its head described; `end`: the last bytes of it are next, so that
   this look must vouch for the whole. */
bool drive_may_send(const struct outq_send *send, bool end);

/* Drives `conn` on `fd`. A receive that brings less than asked for has drained the socket, and no second is spent to be
   told so; `hangup` says that the peer's end of stream is known to have come, so it is worth one. The env's lock, if it
   has one, is the caller's, and let go for each system call. */
enum drive_want drive(struct drive *drive, int fd, struct conn *conn, bool hangup);

/* Waits until the client's socket is ready for what `want` says, or does it, and brings the env's clock up to date.
   Returns 0, -ETIMEDOUT after conn_deadline or another error of the op, or SERVE_LEAVE. */
struct client;
typedef int serve_wait_fn(void *ctx, struct client *client, enum drive_want want);
enum { SERVE_LEAVE = 1 };

/* The sequential form: drives the client's connection to its end, calling wait() whenever it would have to wait, and
   when it has had its turn. Returns WANT_NOTHING: the caller closes; or, told to leave the connection as it is, what it
   wants. */
enum drive_want serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx);

#endif
