/* crowd - readers on several connections that ask for targets again and again while a test changes them, and judge
 * every answer by what they know of the changes: which states the file was in, and which of them were over by when.
 *
 * Each change of a target is a state with a number: a version of its content, or its absence. */
#ifndef FRESH_CROWD_H
#define FRESH_CROWD_H

#include "fetch.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    STATES_MAX = 128,
    TARGETS_MAX = 4,
    READERS_MAX = 6,
    LEDGER_MAX = 1024,
    FRESH_MS = 1000,   /* a request sent so long after a change sees it, */
    SCHEDULE_MS = 500, /* give or take what a loaded machine needs */
};

/* How a target is changed, and so which bodies are in order. */
enum manner {
    REPLACED,   /* never changed in place: every body is whole and one version's */
    TRUNCATED,  /* emptied and written anew: a body may also be the beginning of a version, or cut */
    OVERWRITTEN /* from its beginning to its end: the file is for a while the new version's beginning and the old one's
                   rest, and a body may be that, but not the other way round; or cut */
};

enum state_kind { STATE_PLAIN, STATE_GZIP, STATE_ABSENT };

struct target {
    const char *path;
    enum manner manner;
    uint32_t id; /* of those of one crowd each has its own */
    bool large;
    uint8_t kind[STATES_MAX]; /* enum state_kind */
    _Atomic uint32_t begun;   /* states that were begun, */
    _Atomic uint32_t done;    /*   of which all but perhaps the last are complete */
    _Atomic int64_t done_ms[STATES_MAX];
};

/* Which tag belongs to which content. */
struct ledger {
    pthread_mutex_t lock;
    unsigned count;
    struct entry {
        char etag[80];
        uint64_t hash, len;
        uint32_t version; /* 0: of none, as an empty body is */
    } entries[LEDGER_MAX];
};

struct crowd {
    int port;
    struct target *targets;
    unsigned target_count;
    unsigned reader_count;
    struct ledger ledger;
    pthread_t readers[READERS_MAX];
    atomic_bool stop;
    _Atomic unsigned next_reader, whole, cut, unchanged, missing;
    pthread_mutex_t lock;
    char error[400]; /* the first that was wrong; "" so far */
};

/* Begins the next state; its version, to be written now. */
uint32_t target_begin(struct target *, enum state_kind kind);
/* It is complete. */
void target_done(struct target *);

void crowd_start(struct crowd *, int port, struct target targets[], unsigned target_count);

/* Asks until an answer shows each target's last state. False, and crowd->error, when that takes too long. */
bool crowd_await(struct crowd *);

/* Ends the readers. False, and crowd->error, when any of them saw something wrong. */
bool crowd_stop(struct crowd *);

#endif
