/* What happens, as it happens: the last some thousand events of each writer (a worker with its threads, which write
   under its lock; a forked child; a loader), in rings of one mapping that is shared with children. A writer never
   waits: it writes over what is oldest. Whoever reads does so without a lock, and gets whole events only, knowing how
   many have been lost. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
    EVENT_ACCEPTED,  /* a client: fd */
    EVENT_CALL,      /* a system call begins: what, on fd, for the client or nobody */
    EVENT_RETURNED,  /* it has: value is its result, -errno for an error */
    EVENT_SUBMITTED, /* it is handed to a ring instead: what */
    EVENT_COMPLETED, /* and that says: value */
    EVENT_RUNS,      /* the client is served */
    EVENT_WANTS,     /* it must wait: what is an event_want */
    EVENT_REPLY,     /* a reply was queued: fd is its status, value its bytes */
    EVENT_REPLIED,   /* it left, or never will: value is how much of it did */
    EVENT_LOAD,      /* something that isn't at hand is fetched, */
    EVENT_LOADED,    /* and has been */
    EVENT_CLOSED,    /* what is an enum conn_end */
    EVENT_KINDS
};

enum event_call {
    CALL_ACCEPT,
    CALL_RECV,
    CALL_SEND,
    CALL_SEND_FILE, /* send_file() */
    CALL_SHUTDOWN,
    CALL_POLL,
    CALL_SELECT,
    CALL_EPOLL,
    CALL_RING,
    CALL_NAP,
    CALL_FORK,
    CALL_THREAD,
    CALL_CLOSE,
    CALL_EPOLL_CTL,
    CALL_OPEN,
    CALL_STAT,
    CALL_READ,
    CALL_LIST,
    CALL_COUNT
};

/* As enum drive_want. */
enum event_want { EVENT_WANTS_READ, EVENT_WANTS_WRITE, EVENT_WANTS_LOAD, EVENT_WANTS_TURN, EVENT_WANTS_NOTHING };

#define EVENT_NOBODY UINT32_MAX

struct event {
    uint64_t at_ns; /* monotonic */
    int64_t value;
    uint32_t client; /* its slot in its worker's table; EVENT_NOBODY */
    int32_t fd;      /* -1: none */
    uint8_t kind, what;
    bool apart; /* in a thread or child of the client's own, not in the worker's */
};

/* A ring has one writer. Its two counts say which events may be read: `begun` is raised before one is written, `done`
   after it. */
struct event_ring {
    _Alignas(64) _Atomic uint64_t begun;
    _Atomic uint64_t done;
    _Atomic uint32_t children; /* a worker's: rings of its children that have been used */
    uint32_t mask;             /* of the number of slots, a power of two */
    _Atomic uint64_t calls;    /* system calls that have begun */
    uint64_t last_ns;          /* the writer's */
    _Atomic uint64_t slots[][4];
};

struct event_rings {
    unsigned workers, children; /* rings for each worker's children */
    uint64_t opened_ns;
    char *memory;
    size_t len;
};

/* `fd`: memory (memfd_create) in which another process reads them, or -1. NULL: no address space. */
struct event_rings *event_rings_open(unsigned workers, unsigned children, int fd);
void event_rings_close(struct event_rings *rings);

struct event_ring *event_rings_worker(const struct event_rings *rings, unsigned worker);
struct event_ring *event_rings_child(const struct event_rings *rings, unsigned worker, unsigned client);
struct event_ring *event_rings_loader(const struct event_rings *rings, unsigned loader);

/* System calls that have begun, so far. */
uint64_t event_rings_calls(const struct event_rings *rings);

/* Writes one; of an at_ns of 0, as the time of the last one. */
void event_ring_put(struct event_ring *ring, const struct event *event);

/* Where a reader is in one ring. */
struct event_cursor {
    uint64_t next; /* number of the event: they count from 0 */
    uint64_t lost; /* overwritten before they were read, so far */
};

/* Takes the next event. False: none is there yet. */
bool event_ring_get(const struct event_ring *ring, struct event_cursor *cursor, struct event *event);

/* The names of system calls, as manuals have them. */
extern const char *const event_call_names[CALL_COUNT];
extern const char *const event_kind_names[EVENT_KINDS];

#endif
