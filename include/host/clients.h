/* The clients of one worker: a fixed table of slots. Deadlines stand beside it in one dense array: to find those that
   have passed, or who has been idle longest, is one pass over memory a few times a second, and to renew one is a single
   store; no heap, no list. All of it lies in shared memory: a forked child works in its client's slot, and the parent
   sees there when the client is idle.

   To be used in the worker's thread, or under its env's lock, unless it says otherwise. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "engine/conn.h"
#include "observe/phase.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

/* What forked children, and other workers, see too. */
struct clients_flags {
    /* Replies say that they are the last: somebody waits at the door and can't be let in, or all go. */
    atomic_bool crowded;
    atomic_bool leaving;      /* asked to stop: the health path says so */
    atomic_uint invited;      /* how many of those at the door another worker yields to this one: worker_admit.c */
    atomic_uint touched;      /* clients.touched, for others who look through the slots */
    pthread_mutex_t counting; /* clients_lock_count */
};

struct client {
    struct conn conn;           /* first: whoever is given that finds the client by it */
    struct client *next;        /* a free slot: in the list of these; else, in_line: in worker.line */
    struct client *next_waiter; /* of the same load; or in worker.resumed */
    struct load *load;          /* that it waits for, or the last one that was done for it: a reference */
    int fd;                     /* -1: the slot is free */
    unsigned index;             /* of the slot */
    int model;                  /* the model's own: an index, what it is registered for, a process */
    bool more;         /* there is what a receive that ends short doesn't tell of: the peer's end, urgent data */
    bool drained;      /* the socket has been emptied: no receive is worth it until it is readable again */
    bool blocking;     /* the descriptor is in blocking mode */
    bool parked;       /* waits for `load` */
    bool going;        /* it has been asked to make room: clients_set_going */
    bool in_line;      /* waits for its next turn */
    atomic_bool leave; /* set for a forked child: it is to close the connection when that is idle */
};

struct clients {
    unsigned capacity; /* slots; a model may lower it as it is opened */
    unsigned touched;  /* slots from this one on were never in use */
    atomic_uint count; /* in use: any thread may read it, only its worker changes it */
    unsigned going;    /* of these, those that have been asked to make room */
    struct client *slots, *free;
    _Atomic uint64_t *timers; /* by slot: deadline, phase and whether it is idle, see clients.c; 0: none */
    _Atomic uint64_t *keys;   /* by slot: the address that it counts for (address_key); 0: none */
    struct address *peers;    /* by slot: whom it is from; not written where nobody wants to know */
    struct clients_flags *flags;
    uint64_t next_ms; /* no deadline that was noted is earlier */
    void *memory;     /* holds all of these */
    size_t memory_len;
};

/* Reserves a table for `capacity` clients. False: no memory. */
bool clients_open(struct clients *clients, unsigned capacity);
void clients_close(struct clients *clients);

/* A free slot for the connection on `fd`. The caller opens its conn; clients_drop closes neither.
   NULL: all are in use. */
struct client *clients_take(struct clients *clients, int fd);
void clients_drop(struct clients *clients, struct client *client);

/* The address that the client counts for (--max-per-ip), as address_key has it; 0, as at first: none. */
static inline uint64_t clients_key(const struct clients *clients, const struct client *client) {
    return atomic_load(&clients->keys[client->index]);
}

static inline void clients_count_for(struct clients *clients, const struct client *client, uint64_t key) {
    atomic_store(&clients->keys[client->index], key);
}

/* How many clients count for `key`. Any thread or child may ask. */
unsigned clients_counted(const struct clients *clients, uint64_t key);

/* A lock for all threads and children: under it one counts the clients of an address and then adds its own, so that
   there are never more than the limit. If its holder is killed it passes to the next. */
void clients_lock_count(const struct clients *clients);
void clients_unlock_count(const struct clients *clients);

/* Notes the deadline of client->conn, its phase and whether it is idle. To be called whenever it begins to wait. */
void clients_note(struct clients *clients, const struct client *client);

/* The same with another deadline, until it is noted again. */
void clients_note_until(struct clients *clients, const struct client *client, uint64_t deadline_ms);

/* Adds to `counts` how many clients are in each phase. Any thread or child may ask. */
void clients_phases(const struct clients *clients, uint64_t counts[PHASE_COUNT]);

/* Milliseconds until a deadline may have passed: for a wait's timeout. -1: there is none. */
int clients_timeout(const struct clients *clients, uint64_t now_ms);

/* Walks those whose deadline has passed: start with *cursor = 0; NULL when there are no more. */
struct client *clients_expired(struct clients *clients, uint64_t now_ms, unsigned *cursor);

/* The client that has been idle longest, and since when; NULL when none is idle. */
struct client *clients_oldest_idle(const struct clients *clients, unsigned idle_timeout_ms, uint64_t *since_ms);

/* Whether it has waited for its next request for `grace_ms`: before that the request may be on its way. */
bool clients_long_idle(const struct clients *clients, const struct client *client, unsigned idle_timeout_ms,
                       unsigned grace_ms, uint64_t now_ms);

/* The client is being asked to make room: clients_oldest_idle passes over it from now on. */
void clients_set_going(struct clients *clients, struct client *client);

/* Walks all: start with *cursor = 0; NULL when there are no more. */
struct client *clients_each(const struct clients *clients, unsigned *cursor);

#endif
