/* The clients of one worker: a fixed table of slots. Deadlines stand beside it in one dense array, so that finding who
   is overdue, or who has been idle longest, is one pass over memory a few times a second, and renewing a deadline is
   one store: no heap, no list. The table lies in shared memory: a forked child works in its slot, and the parent sees
   when it is idle. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "engine/conn.h"
#include "observe/phase.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

/* What forked children see, too. */
struct clients_flags {
    /* Replies say that they are the last: somebody waits at the door and can't be let in, or all go. */
    atomic_bool crowded;
    atomic_bool leaving; /* asked to stop: the health path says so */
    atomic_uint invited; /* how many of those at the door another worker has left to this one */
    atomic_uint touched; /* no slot from here on has ever been taken: what others have to look through */
    pthread_mutex_t counting;
};

struct client {
    struct conn conn;
    struct client *next;        /* in the free list; in use: the worker's, in the line of those with much to move */
    struct client *next_waiter; /* of the same load */
    struct load *load;          /* waited for, or just done for it: a reference */
    int fd;                     /* -1: the slot is free */
    unsigned index;
    int model;         /* a backend's own: an index, an interest, a process */
    bool hangup;       /* the peer's end of stream was reported: receiving is worth a try until it shows */
    bool drained;      /* all that had come was received; who waits for more, or hears of it, ends that */
    bool blocking;     /* its socket blocks */
    bool parked;       /* until `load` is done */
    bool going;        /* to make room: clients_set_going */
    bool in_line;      /* for its next turn */
    atomic_bool leave; /* a forked child's: it is to go */
};

struct clients {
    unsigned capacity, touched;
    atomic_uint count; /* which only its worker changes */
    unsigned going;    /* to make room, and still there */
    struct client *slots, *free;
    _Atomic uint64_t *timers; /* by slot: deadline_ms, phase and whether it is idle, see clients.c; 0: none */
    _Atomic uint64_t *keys;   /* by slot: for whom it counts (address_key); 0: for nobody */
    struct address *peers;    /* by slot: whom it is from; untouched where nobody wants to know */
    struct clients_flags *flags;
    uint64_t next_ms; /* no noted deadline is earlier */
    void *memory;
    size_t memory_len;
};

/* Reserves a table for `capacity` clients. False: no memory. */
bool clients_open(struct clients *clients, unsigned capacity);
void clients_close(struct clients *clients);

/* A free slot for a connection, whose conn the caller opens. NULL: full. */
struct client *clients_take(struct clients *clients, int fd);
void clients_drop(struct clients *clients, struct client *client);

/* For whom it counts, as address_key has it; 0, at first: for nobody. */
static inline uint64_t clients_key(const struct clients *clients, const struct client *client) {
    return atomic_load(&clients->keys[client->index]);
}

static inline void clients_count_for(struct clients *clients, const struct client *client, uint64_t key) {
    atomic_store(&clients->keys[client->index], key);
}

/* How many clients count for `key`. Any thread or child may ask. */
unsigned clients_counted(const struct clients *clients, uint64_t key);

/* Between these one thread or child at a time may find out how many there are and make its own client count, so that
   never more do than may. Who holds it and is killed leaves it to the next. */
void clients_lock_count(const struct clients *clients);
void clients_unlock_count(const struct clients *clients);

/* Notes the deadline of client->conn and whether it is idle. To be called when it begins to wait. */
void clients_note(struct clients *clients, const struct client *client);

/* The same with another deadline, until it is noted again. */
void clients_note_until(struct clients *clients, const struct client *client, uint64_t deadline_ms);

/* Adds to `counts` what they are doing. Any thread or child may ask. */
void clients_phases(const struct clients *clients, uint64_t counts[PHASE_COUNT]);

/* Milliseconds until a deadline may have passed: for a wait's timeout. -1: there is none. */
int clients_timeout(const struct clients *clients, uint64_t now_ms);

/* Walks those whose deadline has passed: start with *cursor = 0; NULL when there are no more. */
struct client *clients_expired(struct clients *clients, uint64_t now_ms, unsigned *cursor);

/* The client that has been idle longest, and since when; NULL when none is idle. */
struct client *clients_oldest_idle(const struct clients *clients, unsigned idle_timeout_ms, uint64_t *since_ms);

/* Whether it has waited for its next request for `grace_ms`: until then that may be on its way. */
bool clients_long_idle(const struct clients *clients, const struct client *client, unsigned idle_timeout_ms,
                       unsigned grace_ms, uint64_t now_ms);

/* Passes over it from now on: it has been told to go. */
void clients_set_going(struct clients *clients, struct client *client);

/* Walks all: start with *cursor = 0. */
struct client *clients_each(const struct clients *clients, unsigned *cursor);

#endif
