/* Something that isn't at hand and must be fetched: a file's state, a listing, bytes on a disk, the check of a
   password. A request that needs it waits, as a process does for a page, and is answered from its start when it is
   there: so nothing above is written as a continuation.

   A load goes through kind->work, in any thread, which finds things out and writes them into the load; and then through
   kind->finish, in its worker's thread (or under its lock), which puts them where others see them. Until the work is
   done nobody else touches the load but its refs, waiters and state, which are the worker's; errors are results that
   kind->work leaves in it. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct load;
struct client;

/* Loads of one lane are done in order, few at a time: so those of one lane that take long hold up no other. */
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
    /* Does the work if it takes no more than this effort. False: it would take more, so nothing has been done; but
       load->lane may have been set to where it is to be done instead. With LOAD_WAITS it is always done. */
    bool (*work)(struct load *load, enum load_effort effort);
    void (*finish)(struct load *load);
    /* Nobody refers to it any more: frees it. */
    void (*release)(struct load *load);
};

enum load_state {
    LOAD_NEW,       /* nobody has begun */
    LOAD_UNDER_WAY, /* somebody will report that it is done */
    LOAD_DONE,
};

struct load {
    const struct load_kind *kind;
    struct load *next;      /* the host's own: in the queue of a lane, or of those done */
    struct client *waiters; /* likewise: who is parked until it is done, */
    void *home;             /*   and where that is reported */
    unsigned refs;
    enum load_state state;
    enum load_lane lane; /* where it is done when it isn't at hand */
    bool undone;         /* out, set by a lane: it takes more effort than that lane may spend; LANE_FILES is next */
    uint32_t subtree;    /* of files: equal for those whose file systems are likely to hang together */
};

/* With one reference, the caller's; for LANE_FILES, subtree 0. */
void load_init(struct load *load, const struct load_kind *kind);

static inline struct load *load_get(struct load *load) {
    load->refs++;
    return load;
}

void load_put(struct load *load);

/* How much effort its lane may spend on it. */
enum load_effort load_effort(const struct load *load);

/* Does the work in place, whatever it takes. */
void load_work(struct load *load);

/* To be called in the worker's thread when the work has been done: LOAD_DONE, finished. */
void load_done(struct load *load);

#endif
