/* What is counted while the server runs: in fixed slots of one mapping, made before the workers start and shared with
   forked children. Each slot has one writer, so counting takes no locked instruction; whoever reads may do so at any
   time, and sees each figure as it was a moment ago. A slot goes on counting for whoever has it next: figures only
   grow. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "base/bounds.h"
#include "base/tally.h"
#include "engine/watch.h"
#include "observe/latency.h"
#include "site/site_counts.h"

#include <stddef.h>

/* By the first digit of a status. */
enum { STATUS_CLASSES = 6, METHODS = METHOD_UNKNOWN + 1 };

enum figure {
    FIGURE_RECEIVED,      /* bytes */
    FIGURE_SENT,          /* likewise */
    FIGURE_ACCEPTED,      /* connections */
    FIGURE_ACCEPT_ERRORS, /* no descriptor, memory, thread or process for one */
    FIGURE_FULL,          /* times that all of --max-connections were there and more at the door */
    FIGURE_PER_IP,        /* refused for --max-per-ip: connections, or requests through a balancer */
    FIGURE_ROUNDS,        /* of a loop */
    FIGURE_ROUND_NS,      /* that they took, from a wait to the next */
    FIGURE_LOADS,         /* done where they were wanted, or by a loader */
    FIGURE_LOAD_NS,       /* that they took */
    FIGURE_BUSY,          /* 1: a loader is at a load */
    FIGURE_CHILDREN,      /* a worker's: slots of its children that have been used */
    FIGURE_COUNT
};

/* Of a worker, with its threads, which count under its lock; of a forked child; or of a loader. All of it tallies. */
struct counter_slot {
    _Alignas(64) struct tally figures[FIGURE_COUNT];
    struct tally latency_ns; /* of all `latency`; with what follows in the cache lines that each request writes */
    struct site_counts site;
    struct tally requests[METHODS][STATUS_CLASSES]; /* that have been answered, or never will be */
    struct tally ended[END_COUNT];                  /* connections, by why */
    struct tally latency[LATENCY_BUCKETS];          /* of replies that left whole: first byte in to last byte out */
};

/* What a log's writer counts. */
struct counter_log {
    _Alignas(64) struct tally lines, lost;
};

struct counters {
    unsigned workers, children; /* slots for each worker's children */
    struct counter_log *log;
    struct counter_slot *loaders; /* LOADERS_MOST */
    struct counter_slot *slots;   /* a worker's, then its children's; then the next worker's */
    size_t len;
};

/* For workers that may fork up to `children` each. NULL: no address space. */
struct counters *counters_open(unsigned workers, unsigned children);
void counters_close(struct counters *counters);

static inline struct counter_slot *counters_worker(const struct counters *counters, unsigned worker) {
    return &counters->slots[(size_t)worker * (1 + counters->children)];
}

/* Adds up what a worker and its children have counted so far, or the loaders. */
void counters_add_worker(const struct counters *counters, unsigned worker, struct counter_slot *sum);
void counters_add_loaders(const struct counters *counters, struct counter_slot *sum);

/* Requests of all methods in one class of status; those of all. */
uint64_t counter_slot_class(const struct counter_slot *slot, unsigned class);
uint64_t counter_slot_requests(const struct counter_slot *slot);
/* Replies that left whole. */
uint64_t counter_slot_timed(const struct counter_slot *slot);

static inline void counter_slot_add(struct counter_slot *slot, enum figure figure, uint64_t more) {
    tally_add(&slot->figures[figure], more);
}

static inline uint64_t counter_slot_get(const struct counter_slot *slot, enum figure figure) {
    return tally_get(&slot->figures[figure]);
}

#endif
