/* One HTTP/1.1 connection as a state machine without I/O: it is asked what it wants next, somebody does that and tells
   the result. Timeouts, shutdown and errors are results like any other. HTTP for files is half duplex, so a connection
   wants exactly one thing at a time. */
#ifndef CONN_H
#define CONN_H

#include "base/bounds.h"
#include "base/clock.h"
#include "base/load.h"
#include "base/outq.h"
#include "base/pool.h"
#include "engine/peer.h"
#include "engine/watch.h"
#include "protocol/body.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct site;
struct exchanges;

/* What a worker lends its connections. */
struct conn_env {
    struct site *site;
    /* Buffers, one of each for each connection: for input that must be kept, of CONN_SHORT_LEN bytes or, where that is
       too little, CONN_IN_LEN(head_max); and output queues. */
    struct pool in_short, in, out;
    struct clock clock;
    const struct limits *limits;
    const struct peer_trust *trust; /* NULL: nobody is */
    peer_count_fn *count;           /* NULL: nobody counts; it never changes while there are connections */
    const atomic_bool *crowded;     /* somebody waits at the door and can't be let in: replies say Connection: close */
    bool draining;                  /* worker.draining (of a forked child: its client is to leave): likewise */
    pthread_mutex_t *lock;          /* held by who uses the env and its connections; NULL where one thread runs all */
    pthread_cond_t *loaded;         /* with the lock: signalled when a load is done */
    const struct watch *watch;      /* NULL: nobody does */
    struct pool exchanges; /* of EXCHANGES_LEN(watch->keep_max) bytes, one per connection; where somebody watches */
};

/* Room for a head that waits to be answered, and for as much as came behind it. */
#define CONN_IN_LEN(head_max) (2 * (size_t)(head_max))
/* Most heads fit; so a connection whose head comes in drips takes no page of memory. */
enum { CONN_SHORT_LEN = 1024 };

enum conn_state {
    CONN_PROXIED,
    CONN_READING,
    CONN_LOADING,
    CONN_REPLYING,
    CONN_FINISHING,
    CONN_LINGERING,
    CONN_CLOSING
};

/* The head of a request that isn't answered yet is held at the beginning of `in`. */
enum conn_held {
    HELD_NONE,     /* no head is: `in` holds input that isn't parsed yet */
    HELD_FOR_BODY, /* while its body is read and thrown away */
    HELD_DUE,      /* until it can be answered: a load must be done, or replies before it must leave */
    HELD_LAST,     /* likewise; then the connection closes, as its body's end isn't known, where the next would begin */
};

struct conn {
    struct conn_env *env;
    struct address *from; /* whom it is from: the caller's; NULL: nobody wants to know */
    uint64_t deadline_ms;
    uint64_t reply_at_ms; /* REPLYING: since when; LOADING: when the request came */
    union {
        uint64_t sent;     /* REPLYING: bytes of what has been queued since `out` was borrowed */
        struct load *load; /* LOADING: waited for */
    };
    struct outq *out;            /* borrowed while replying */
    char *in;                    /* borrowed while there is input that is unfinished or waits for its turn */
    struct exchanges *exchanges; /* borrowed while replying, where somebody watches */
    uint32_t in_len;             /* bytes in `in` */
    uint32_t held_len;           /* bytes of the head that is held, unless held is HELD_NONE */
    uint32_t request_count;
    union {
        uint32_t lingered;   /* LINGERING: bytes received and dropped */
        uint32_t since_look; /* LOADING: asker.since_look, for when the request is answered anew */
    };
    struct body body;
    uint8_t state; /* enum conn_state */
    uint8_t held;  /* enum conn_held */
    uint8_t end;   /* enum conn_end: why it ends, once that is known */
    bool last;     /* the reply under way says Connection: close */
    bool linger;   /* the peer may still be sending: go through LINGERING before the close */
    bool draining; /* conn_drain has been called */
    bool trusted;  /* `from` is a balancer, believed about whom it speaks for */
    bool counted;  /* it counts for whom a request is from: peer_ask, until peer_answered */
};

enum conn_op_kind { OP_RECV, OP_SEND, OP_SENDFILE, OP_LOAD, OP_FIN, OP_CLOSE };

struct conn_op {
    enum conn_op_kind kind;
    size_t recv_max;       /* RECV: feed no more than this at once */
    struct outq_send send; /* SEND: iov; SENDFILE: source, first, len */
    struct load *load;     /* LOAD: to be done, or waited for if somebody is at it */
};

/* `from` is kept, and written when the connection's PROXY header says who it is from. NULL: nobody wants to know, and
   nobody is trusted. */
void conn_open(struct conn *conn, struct conn_env *env, struct address *from);

/* What the connection wants. The same answer until fed or done; its pointers stay put until then. */
void conn_next(struct conn *conn, struct conn_op *op);

/* Answers RECV with bytes (0 < len <= recv_max). They are the caller's again on return. */
void conn_feed(struct conn *conn, const char *bytes, size_t len);

/* Answers the other ops with the bytes sent (FIN: 0; LOAD, when it is done: 0), and any op, RECV too, with 0 for the
   end of the stream or file, or -errno; -ETIMEDOUT when conn_deadline has passed. -EAGAIN says that there is nothing to
   receive just now, which changes nothing unless the connection is leaving. */
void conn_done(struct conn *conn, ssize_t result);

/* When to say -ETIMEDOUT: on the monotonic clock, in ms. */
static inline uint64_t conn_deadline(const struct conn *conn) {
    return conn->deadline_ms;
}

/* Whether it waits for a request of which nothing has come: it may be closed at no loss. */
static inline bool conn_idle(const struct conn *conn) {
    return conn->state <= CONN_READING && !conn->in;
}

/* Finish what is being answered, then close. An idle connection is given one more chance to receive, for its next
   request may have come already: when there is nothing, say conn_done(-EAGAIN), and it closes. */
void conn_drain(struct conn *conn);

/* Whether it has been asked to go and only waits for that last chance. */
static inline bool conn_leaving(const struct conn *conn) {
    return conn->draining && conn_idle(conn);
}

/* To be called when the env's limits have changed: an idle connection has the new idle timeout, from when it began to
   wait. True: its deadline has changed. */
bool conn_renew(struct conn *conn, unsigned idle_timeout_ms_before);

/* Ends it, whatever it was doing: gives back what it borrowed, tells who watches. The descriptor is the caller's. */
void conn_close(struct conn *conn);

#endif
