/* Connections wait in the kernel, with the very op that they want under way: its completion is the result. Nobody asks
   first whether a socket is ready. The ops of a round are submitted by the one system call that also waits.

   A client has at most one receive and one send under way. The receive is armed once and completes for each piece that
   comes ("multishot"), in a buffer that the kernel picks only then: an idle connection holds none. The price is that
   pieces may come before the connection wants them, when a client sends requests ahead. They are held, in order, and
   such a client is from then on received from only when it is its turn. When the buffers run out, who holds most goes.

   Invariant: a slot is given back only when nothing is under way for it, so a completion always finds its client; and
   what a send refers to stays put until it has completed, canceled or not. */
#define _GNU_SOURCE
#include "backend/uring_ring.h"
#include "host/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    OPS = 512,                         /* submitted at a time; more in one round take a system call more */
    RESULTS = 4096,                    /* of a round; the kernel keeps what doesn't fit, at a cost */
    CLIENTS_MOST = 65536 - URING_LENT, /* a buffer's number has 16 bits, and each client is granted one */
    SPARE_LEAST = 8 * URING_LENT,      /* for few clients: who sends ahead may fill all that are lent in a round */
};

/* What a completion is of: the low bits of its user_data. Above them: a client's slot, or a listener. */
enum { OF_RECV, OF_SEND, OF_CANCEL, OF_DOOR, OF_WAKE, OF_BITS = 3 };

struct uring_client {
    struct uring_buffer *held, **held_end; /* received, not wanted yet */
    uint32_t spared_ms;                    /* see worker_spares */
    int verdict; /* the error to tell the connection once its send has been canceled; 0: none */
    uint16_t held_count;
    bool receiving, sending; /* such an op is under way */
    bool ahead;              /* it has sent requests ahead: no multishot any more */
    bool polling;            /* what is under way is no send but a poll for room, after which the send is tried again */
    bool leaving;            /* it is hung up as soon as nothing is under way any more */
};

struct uring {
    struct worker *worker;
    struct uring_ring ring;
    struct uring_buffers buffers;
    struct uring_client *clients; /* by slot */
    bool accepting;               /* as uring_wait was told last */
    bool watched[LISTEN_MAX];     /* by listener: a poll of it is under way */
    struct msghdr messages[OPS];  /* by the place of the op: the kernel copies them when it is submitted */
};

static uint64_t uring_id(int of, unsigned index) {
    return (uint64_t)index << OF_BITS | (unsigned)of;
}

static void uring_receive(struct uring *self, const struct client *client, struct uring_client *mine) {
    struct io_uring_sqe *op =
        uring_ring_fd_op(&self->ring, IORING_OP_RECV, client->fd, uring_id(OF_RECV, client->index));
    op->flags = IOSQE_BUFFER_SELECT;
    op->buf_group = URING_GROUP;
    op->ioprio = mine->ahead ? 0 : IORING_RECV_MULTISHOT;
    mine->receiving = true;
    drive_note(&self->worker->drive, client, EVENT_SUBMITTED, CALL_RECV);
}

static void uring_hold(struct uring_client *mine, struct uring_buffer *buffer) {
    *mine->held_end = buffer;
    mine->held_end = &buffer->next;
    mine->held_count++;
}

static void uring_drop_first_held(struct uring *self, struct uring_client *mine) {
    struct uring_buffer *buffer = mine->held;
    mine->held = buffer->next;
    if (!mine->held)
        mine->held_end = &mine->held;
    mine->held_count--;
    uring_buffers_drop(&self->buffers, buffer);
}

static void uring_drop_held(struct uring *self, struct uring_client *mine) {
    while (mine->held)
        uring_drop_first_held(self, mine);
}

static void uring_feed(struct uring *self, struct client *client, struct uring_client *mine, size_t most) {
    struct uring_buffer *buffer = mine->held;
    size_t len = buffer->len < most ? buffer->len : most;
    conn_feed(&client->conn, buffer->bytes + buffer->first, len);
    buffer->first += (uint32_t)len;
    buffer->len -= (uint32_t)len;
    if (buffer->len == 0)
        uring_drop_first_held(self, mine);
}

static void uring_await_room(struct uring *self, const struct client *client, struct uring_client *mine) {
    mine->sending = mine->polling = true;
    uring_ring_poll(&self->ring, client->fd, POLLOUT, uring_id(OF_SEND, client->index));
}

static void uring_send(struct uring *self, struct client *client, struct uring_client *mine, const struct conn_op *op) {
    const struct outq_send *send = &op->send;
    const uint64_t id = uring_id(OF_SEND, client->index);
    mine->sending = true;
    if (send->iov_count == 1) {
        uring_ring_send(&self->ring, client->fd, send->iov, send->more, id);
    } else {
        struct io_uring_sqe *submitted = uring_ring_send(&self->ring, client->fd, NULL, send->more, id);
        struct msghdr *message = &self->messages[uring_ring_place(&self->ring, submitted)];
        *message = (struct msghdr){.msg_iov = send->iov, .msg_iovlen = send->iov_count};
        submitted->addr = (uintptr_t)message;
    }
    self->worker->drive.done += send->len;
    drive_note(&self->worker->drive, client, EVENT_SUBMITTED, CALL_SEND);
}

/* The ring has no sendfile(2): it is called, and where the socket is full, the ring waits for room. False: the client's
   load must be waited for. */
static bool uring_send_file(struct uring *self, struct client *client, struct uring_client *mine,
                            const struct conn_op *op) {
    struct drive *drive = &self->worker->drive;
    ssize_t n;
    drive_note(drive, client, EVENT_CALL, CALL_SEND_FILE);
    do
        n = drive_send_file(drive, client, &op->send);
    while (n == -EINTR);
    drive_note_result(drive, client, EVENT_RETURNED, CALL_SEND_FILE, n, 0);
    drive->done += n > 0 ? (size_t)n : 0;
    if (n == -EAGAIN)
        uring_await_room(self, client, mine);
    else if (n != -EINPROGRESS)
        conn_done(&client->conn, n);
    return n != -EINPROGRESS;
}

/* Lets go of the client as soon as nothing is under way for it. */
static void uring_leave(struct uring *self, struct client *client, struct uring_client *mine) {
    mine->leaving = true;
    uring_drop_held(self, mine);
    if (mine->receiving)
        uring_ring_cancel(&self->ring, uring_id(OF_RECV, client->index), OF_CANCEL);
}

/* Receives for the connection, or feeds it what has been received. False: it has to wait. */
static bool uring_fill(struct uring *self, struct client *client, struct uring_client *mine, const struct conn_op *op) {
    if (mine->held) {
        uring_feed(self, client, mine, op->recv_max);
        return true;
    }
    drive_forget_load(client);
    if (conn_leaving(&client->conn)) /* a request that has come already is received, and then this end */
        shutdown(client->fd, SHUT_RD);
    if (!mine->receiving)
        uring_receive(self, client, mine);
    return false;
}

/* Submits what the connection wants, and does what needs no waiting. shutdown(2) is such: the ring would have a thread
   of the kernel's do it. */
static enum drive_want uring_do(struct uring *self, struct client *client, struct uring_client *mine) {
    struct drive *drive = &self->worker->drive;
    struct conn_op op;
    drive->done = 0;
    while (!mine->sending && !mine->leaving) {
        conn_next(&client->conn, &op);
        if (op.kind != OP_CLOSE && drive_is_for_later(drive, &op))
            return WANT_TURN;
        switch (op.kind) {
        case OP_RECV:
            if (!uring_fill(self, client, mine, &op))
                return WANT_READ;
            break;
        case OP_SEND:
            uring_send(self, client, mine, &op);
            break;
        case OP_SENDFILE:
            if (!uring_send_file(self, client, mine, &op))
                return WANT_LOAD;
            break;
        case OP_LOAD:
            if (!drive_load(drive, client, op.load))
                return WANT_LOAD;
            break;
        case OP_FIN:
            conn_done(&client->conn, shutdown(client->fd, SHUT_WR) < 0 ? -errno : 0);
            break;
        case OP_CLOSE:
            uring_leave(self, client, mine);
            break;
        }
    }
    return WANT_WRITE;
}

static enum drive_want uring_drive(struct uring *self, struct client *client, struct uring_client *mine) {
    drive_note_then(&self->worker->drive, client, EVENT_RUNS, 0);
    enum drive_want want = uring_do(self, client, mine);
    drive_note_then(&self->worker->drive, client, EVENT_WANTS, (int)want);
    return want;
}

static bool uring_busy(const struct client *client, const struct uring_client *mine) {
    return mine->sending || mine->leaving || client->in_line || client->parked;
}

static void uring_turn(struct uring *self, struct client *client) {
    struct uring_client *mine = &self->clients[client->index];
    while (!uring_busy(client, mine) && !worker_note_want(self->worker, client, uring_drive(self, client, mine)))
        ;
    if (mine->held && mine->receiving && !mine->ahead) {
        mine->ahead = true;
        uring_ring_cancel(&self->ring, uring_id(OF_RECV, client->index), OF_CANCEL);
    }
    if (mine->leaving && !mine->receiving)
        worker_hang_up(self->worker, client);
}

/* Tells the connection of an error that is not the result of an op: at once or, when it waits for a send, after that
   has been canceled. */
static void uring_tell(struct uring *self, struct client *client, int error) {
    struct uring_client *mine = &self->clients[client->index];
    if (mine->leaving || mine->verdict)
        return;
    if (mine->sending) {
        mine->verdict = error;
        uring_ring_cancel(&self->ring, uring_id(OF_SEND, client->index), OF_CANCEL);
    } else if (worker_tell_error(self->worker, client, error)) {
        uring_turn(self, client);
    }
}

static void uring_received(struct uring *self, struct client *client, const struct io_uring_cqe *result) {
    struct uring_client *mine = &self->clients[client->index];
    struct uring_buffer *buffer = uring_buffers_take(&self->buffers, result);
    mine->receiving = result->flags & IORING_CQE_F_MORE;
    drive_note_result(&self->worker->drive, client, EVENT_COMPLETED, CALL_RECV, result->res, 0);
    if (buffer && buffer->len > 0 && !mine->leaving && !mine->verdict)
        uring_hold(mine, buffer);
    else if (buffer)
        uring_buffers_drop(&self->buffers, buffer);
    /* What isn't the peer's doing is tried again. So is what comes while the connection is busy, and comes again. */
    bool ours = result->res == -ENOBUFS || result->res == -ECANCELED || result->res == -EINTR || result->res == -EAGAIN;
    if (result->res <= 0 && !ours && !uring_busy(client, mine))
        conn_done(&client->conn, result->res);
    uring_turn(self, client);
}

static void uring_sent(struct uring *self, struct client *client, const struct io_uring_cqe *completion) {
    struct uring_client *mine = &self->clients[client->index];
    int result = completion->res;
    if (mine->polling && !uring_ring_polled(&self->ring, client->fd, completion, OF_CANCEL, mine->verdict != 0))
        return;
    mine->sending = false;
    drive_note_result(&self->worker->drive, client, EVENT_COMPLETED, CALL_SEND, result, 0);
    if (mine->verdict || mine->polling)
        result = mine->verdict ? mine->verdict : -EINTR; /* there is room: again */
    mine->verdict = 0;
    mine->polling = false;
    if (result == -EAGAIN)
        uring_await_room(self, client, mine);
    else if (result != -EINTR)
        conn_done(&client->conn, result);
    uring_turn(self, client);
}

static listener_set uring_serve(struct uring *self, const struct io_uring_cqe *result) {
    unsigned index = (unsigned)(result->user_data >> OF_BITS);
    struct worker *worker = self->worker;
    switch (result->user_data & ((1 << OF_BITS) - 1)) {
    case OF_RECV:
        uring_received(self, &worker->clients.slots[index], result);
        return 0;
    case OF_SEND:
        uring_sent(self, &worker->clients.slots[index], result);
        return 0;
    case OF_DOOR:
        self->watched[index] = false;
        return self->accepting ? (listener_set)1 << index : 0; /* else it was only cancelled */
    case OF_WAKE:
        worker_woken(worker);
        uring_ring_poll(&self->ring, worker->wake_fd, POLLIN, OF_WAKE);
        return self->accepting ? LISTENERS_ALL : 0; /* a full worker may have heard the ring in our place */
    default:
        return 0;
    }
}

static void uring_watch_door(struct uring *self, bool accepting) {
    const struct listeners *listeners = self->worker->listeners;
    for (int i = 0; i < listeners->count; i++) {
        uint64_t id = uring_id(OF_DOOR, (unsigned)i);
        if (accepting && !self->watched[i])
            uring_ring_poll(&self->ring, listeners->fd[i], POLLIN | EPOLLEXCLUSIVE, id);
        else if (!accepting && self->watched[i])
            uring_ring_cancel(&self->ring, id, OF_CANCEL);
        self->watched[i] |= accepting;
    }
    self->accepting = accepting;
}

/* Buffers run short: the client that holds the most gives them back and goes, also when it waits for a load. Each may
   hold one, so it has more. */
static void uring_relieve(struct uring *self) {
    struct client *client, *most = NULL;
    unsigned cursor = 0, most_count = 1;
    while ((client = clients_each(&self->worker->clients, &cursor)))
        if (self->clients[client->index].held_count > most_count && !client->in_line) {
            most = client;
            most_count = self->clients[client->index].held_count;
        }
    if (most) {
        uring_drop_held(self, &self->clients[most->index]);
        uring_tell(self, most, -ENOBUFS);
    }
}

static listener_set uring_wait(void *model, bool accepting) {
    struct uring *self = model;
    struct worker *worker = self->worker;
    struct io_uring_cqe result;
    struct client *client;
    unsigned cursor = 0;
    listener_set rings = 0;
    uring_watch_door(self, accepting);
    if (!uring_buffers_lend(&self->buffers))
        uring_relieve(self);
    worker_calls(worker, CALL_RING);
    uring_ring_enter(&self->ring, worker_event_timeout(worker));
    worker_called(worker, CALL_RING, 0);
    worker_round(worker);
    while (uring_ring_result(&self->ring, &result))
        rings |= uring_serve(self, &result);
    while ((client = worker_loaded(worker)))
        uring_turn(self, client);
    while ((client = clients_expired(&worker->clients, worker->env.clock.now_ms, &cursor)))
        if (!worker_spares(worker, client, &self->clients[client->index].spared_ms))
            uring_tell(self, client, -ETIMEDOUT);
    while ((client = worker_next_turn(worker)))
        uring_turn(self, client);
    return rings;
}

static void uring_take(void *model, struct client *client) {
    struct uring *self = model;
    struct uring_client *mine = &self->clients[client->index];
    *mine = (struct uring_client){.held_end = &mine->held};
    uring_turn(self, client);
}

static void uring_drain(void *model, struct client *client) {
    conn_drain(&client->conn);
    uring_turn(model, client);
}

static void *uring_open(struct worker *worker) {
    if (worker->clients.capacity > CLIENTS_MOST)
        worker->clients.capacity = CLIENTS_MOST;
    unsigned capacity = worker->clients.capacity, spare = capacity > SPARE_LEAST ? capacity : SPARE_LEAST;
    struct uring *self = calloc(1, sizeof *self);
    struct uring_client *clients = calloc(capacity, sizeof *clients);
    if (!self || !clients) {
        free(self);
        free(clients);
        return worker_no_memory(worker);
    }
    self->worker = worker;
    self->clients = clients;
    int error = uring_ring_open(&self->ring, OPS, RESULTS);
    if (!error && (error = uring_buffers_open(&self->buffers, &self->ring, spare)))
        uring_ring_close(&self->ring);
    if (!error) {
        uring_ring_poll(&self->ring, worker->wake_fd, POLLIN, OF_WAKE);
        return self;
    }
    uring_ring_say_why(error);
    free(clients);
    free(self);
    return NULL;
}

static void uring_close(void *model) {
    struct uring *self = model;
    uring_ring_close(&self->ring);
    uring_buffers_close(&self->buffers);
    free(self->clients);
    free(self);
}

const struct backend uring_backend = {
    .name = "uring",
    .summary = "the ops themselves are handed to io_uring",
    .client_memory = URING_BUFFER_LEN + sizeof(struct uring_client),
    .calls = uring_ring_calls,
    .open = uring_open,
    .wait = uring_wait,
    .take = uring_take,
    .drain = uring_drain,
    .close = uring_close,
};
