/* Does what a connection wants, until it would have to wait. The only place that receives from clients and sends to
   them, but for the models whose very wait is such an operation. */
#ifndef DRIVE_H
#define DRIVE_H

#include "host/send_file.h"
#include "observe/observer.h"

enum drive_want {
    WANT_READ,   /* call again when the socket is readable, */
    WANT_WRITE,  /* writable, */
    WANT_LOAD,   /* when client->load is done, */
    WANT_TURN,   /* or soon: it has had its share and others shall have theirs */
    WANT_NOTHING /* it is finished: close it */
};

/* What one thread of control drives with. */
struct drive {
    char *buffer; /* to receive into, and to send files through */
    size_t buffer_len;
    struct known *known;
    const struct observer *observer;
    bool apart;     /* it is a thread, or a child, of its client's own */
    bool may_wait;  /* for loads: they are done in place, as nobody else is kept waiting */
    size_t share;   /* what one client may do before it is the others' turn: bytes moved, or work that takes as long */
    bool light;     /* a reply larger than the share isn't begun */
    size_t done;    /* of the share, by the last drive() */
    uint64_t moves; /* ops that did something: tells a sweep whether to nap */
};

/* How much an OP_RECV asks for. */
static inline size_t drive_recv_len(const struct drive *drive, const struct conn_op *op) {
    return op->recv_max < drive->buffer_len ? op->recv_max : drive->buffer_len;
}

/* What is done for a client: noted, where somebody wants events. A result is -errno for an error; at_ns is when it
   came, 0: just now. */
static inline void drive_note(const struct drive *drive, const struct client *client, enum event_kind kind, int what) {
    observer_note(drive->observer, kind, what, client->index, drive->apart, client->fd, 0, 0);
}

/* Of what comes right after something that was noted. */
static inline void drive_note_then(const struct drive *drive, const struct client *client, enum event_kind kind,
                                   int what) {
    observer_note_then(drive->observer, kind, what, client->index, drive->apart, client->fd);
}

static inline void drive_told(const struct drive *drive, const struct client *client, enum event_kind kind,
                              enum event_call call, ssize_t result, uint64_t at_ns) {
    observer_note(drive->observer, kind, (int)call, client->index, drive->apart, client->fd, result, at_ns);
}

/* Drives the client's connection. A receive that brings less than asked for has drained the socket, and no second is
   spent to be told so, not in its next turn either; client->hangup says that the peer's end of stream is known to have
   come, so it is worth one. The env's lock, if it has one, is the caller's, and let go for each system call and each
   load. */
enum drive_want drive(struct drive *drive, struct client *client);

/* Sends a range of a file; the lock is the caller's. As send_file(). */
ssize_t drive_send_file(const struct drive *drive, struct client *client, const struct outq_send *op);

/* Does a load that the connection wants, if it is at hand, and tells it. False: client->load must be waited for. */
bool drive_load(struct drive *drive, struct client *client, struct load *load);

/* What the client had waited for is of no more use. */
void drive_forget_load(struct client *client);

/* Whether the op is for a later turn: the share is used up, or a reply is larger than what goes before others. */
bool drive_is_for_later(const struct drive *drive, const struct conn_op *op);

/* Waits until the client's socket is ready for what `want` says, or does it, and brings the env's clock up to date.
   Returns 0, -ETIMEDOUT after conn_deadline or another error of the op, or SERVE_LEAVE. */
typedef int serve_wait_fn(void *ctx, struct client *client, enum drive_want want);
enum { SERVE_LEAVE = 1 };

/* The sequential form: drives the client's connection to its end, calling wait() whenever it would have to wait, and
   when it has had its turn. Returns WANT_NOTHING: the caller closes; or, told to leave the connection as it is, what it
   wants. */
enum drive_want serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx);

#endif
