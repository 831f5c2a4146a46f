/* Does what a connection wants, on a non-blocking socket, until it would have to wait. The only place, but for the
   io_uring backend, that receives from clients and sends to them. */
#ifndef DRIVE_H
#define DRIVE_H

#include "conn.h"

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
    uint64_t moves; /* ops that did something: tells a sweep whether to nap */
};

/* Drives `conn` on `fd`. A receive that brings less than asked for has drained the socket, and no second is spent to be
   told so; `hangup` says that the peer's end of stream is known to have come, so it is worth one. */
enum drive_want drive(struct drive *drive, int fd, struct conn *conn, bool hangup);

/* Waits until `fd` is ready for what `want` says: 0, or -ETIMEDOUT after conn_deadline. Brings the env's clock up to
   date. */
struct client;
typedef int serve_wait_fn(void *ctx, struct client *client, enum drive_want want);

/* The sequential form: drives the client's connection to its end, calling wait() whenever it would have to wait. The
   caller closes. */
void serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx);

#endif
