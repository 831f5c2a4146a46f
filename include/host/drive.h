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

/* What drives clients: a worker's own, or that of a thread or child that serves one client. */
struct drive {
    char *buffer; /* to receive into, and to copy files through */
    size_t buffer_len;
    struct known *known;
    const struct observer *observer;
    bool apart;    /* it is that of a client's own thread or child, not of the worker's */
    bool may_wait; /* loads are done in place: nobody else is kept waiting by that */

    /* A turn. */
    size_t share;   /* what one client may do in its turn: bytes moved, or work that takes as long (drive.c: OP_COST) */
    bool light;     /* no reply larger than the share is begun */
    size_t done;    /* of the share, in the last turn */
    uint64_t moves; /* ops that did something: tells `nonblocking` whether to nap */
};

/* How much an OP_RECV asks for. */
static inline size_t drive_recv_len(const struct drive *drive, const struct conn_op *op) {
    return op->recv_max < drive->buffer_len ? op->recv_max : drive->buffer_len;
}

/* Events of a client, noted where somebody wants them. */
static inline void drive_note(const struct drive *drive, const struct client *client, enum event_kind kind, int what) {
    observer_note(drive->observer, kind, what, client->index, drive->apart, client->fd, 0, 0);
}

/* The same, for what comes right after another event: it has that one's time, which spares a look at the clock. */
static inline void drive_note_then(const struct drive *drive, const struct client *client, enum event_kind kind,
                                   int what) {
    observer_note_then(drive->observer, kind, what, client->index, drive->apart, client->fd);
}

/* One that has a result, -errno for an error, which came at at_ns; 0: just now. */
static inline void drive_note_result(const struct drive *drive, const struct client *client, enum event_kind kind,
                                     enum event_call call, ssize_t result, uint64_t at_ns) {
    observer_note(drive->observer, kind, (int)call, client->index, drive->apart, client->fd, result, at_ns);
}

/* Does what the client's connection wants, op by op, until it must wait, has had its share or is finished. A receive
   that brought less than was asked for has emptied the socket (client->drained): no second one is spent on being told
   so, unless client->more says that the end of the stream is still to be received, or something behind urgent data, at
   which a receive stops. The env's lock, if there is one, is held by the caller, and let go during each system call on
   the client and each load. */
enum drive_want drive(struct drive *drive, struct client *client);

/* send_file() with this drive's means, for a model that doesn't call drive(). */
ssize_t drive_send_file(const struct drive *drive, struct client *client, const struct outq_send *op);

/* Does a load that the connection wants, if it is at hand (or drive->may_wait), and tells the connection; -ETIMEDOUT,
   where its deadline has passed before. False: it must be waited for, as client->load. */
bool drive_load(struct drive *drive, struct client *client, struct load *load);

/* Lets go of client->load, if there is one: what it brought has been used. */
void drive_forget_load(struct client *client);

/* Whether the op is for a later turn: the share is used up, or a reply is larger than what goes before others. */
bool drive_is_for_later(const struct drive *drive, const struct conn_op *op);

/* Waits for what `want` says (or does it, as a receive that blocks), and brings the env's clock up to date. Returns 0;
   -ETIMEDOUT when conn_deadline has passed, or another error that the connection is to be told; or SERVE_LEAVE. */
typedef int serve_wait_fn(void *ctx, struct client *client, enum drive_want want);
enum { SERVE_LEAVE = 1 };

/* The sequential form: drives the client's connection to its end, calling wait() whenever it must wait or has had its
   share. Returns WANT_NOTHING: the caller closes; or, if wait() said SERVE_LEAVE, what the connection waits for.
   (`hands` is a drive: by that name it would hide the function.) */
enum drive_want serve(struct drive *hands, struct client *client, serve_wait_fn *wait, void *ctx);

#endif
