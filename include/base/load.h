/* Something that isn't at hand and must be fetched: a file's state, a listing, bytes on a disk, the check of a
   password. Who needs it is parked, as by a page fault, and asks again from the start when it is there; so nothing
   above is written as a continuation.

   A load belongs to the thread (or to whoever holds the lock) of its worker, but for its work: that is done by whoever
   is asked to, in any thread, and touches nothing but the load itself until it is done. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct load;
struct client;

/* Loads of one lane are done in their order, a few of them at once; so what takes long leaves others somebody to do
   theirs. */
enum load_lane {
    LANE_FILES,
    /* One at a time each, as they take a processor whole: */
    LANE_HASHES,  /* of contents that are in memory, */
    LANE_LOGINS,  /* of passwords, by those who have rarely tried, */
    LANE_GUESSES, /* and by those who have tried often */
    LOAD_LANES,
};

/* What a load may take. */
enum load_effort {
    LOAD_AT_HAND,  /* no waiting, and a processor for a moment only */
    LOAD_COMPUTES, /* no waiting (for a disk, that is) */
    LOAD_WAITS,    /* whatever it takes */
};

struct load_kind {
    /* Does it, if that takes no more than this: false, and nothing is changed but perhaps the load's lane, when it
       does. Of LOAD_WAITS, always true. */
    bool (*work)(struct load *load, enum load_effort effort);
    /* In its worker's thread, after the work: lets others have the result. */
    void (*finish)(struct load *load);
    /* Nobody refers to it any more. */
    void (*release)(struct load *load);
};

enum load_state {
    LOAD_NEW,       /* nobody has begun */
    LOAD_UNDER_WAY, /* somebody will report that it is done */
    LOAD_DONE,
};

struct load {
    const struct load_kind *kind;
    struct load *next;      /* in the queue of those who do the work, or of those done */
    struct client *waiters; /* who is parked, and */
    void *home;             /*   where to report: the host's own */
    unsigned refs;
    enum load_state state;
    enum load_lane lane; /* where it is done when it isn't at hand; as load_init leaves it: LANE_FILES */
    bool undone;         /* out, of its lane: it takes more than that gives, and goes to LANE_FILES next */
    uint32_t subtree;    /* of files: what is likely to hang together, by any number; as load_init leaves it: 0 */
};

void load_init(struct load *load, const struct load_kind *kind);

static inline struct load *load_get(struct load *load) {
    load->refs++;
    return load;
}

void load_put(struct load *load);

/* What may be spent on it in its lane. Where that doesn't do, LANE_FILES is next. */
enum load_effort load_effort(const struct load *load);

/* Does the work where it is wanted. */
void load_work(struct load *load);

/* The work has been done: finishes it. */
void load_done(struct load *load);

#endif
