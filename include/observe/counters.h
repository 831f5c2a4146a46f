/* What is counted while the server runs: in fixed slots of one mapping, made before the workers start and shared with
   forked children. Each slot has one writer, so counting takes no locked instruction; whoever reads may do so at any
   time, and sees each figure as it was a moment ago. A slot goes on counting for whoever has it next: figures only
   grow. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "base/tally.h"
#include "engine/watch.h"

/* Of a worker, with its threads, which count under its lock; or of a forked child. */
struct counter_slot {
    _Alignas(64) struct tally ended[END_COUNT]; /* connections, by why */
};

struct counters {
    unsigned workers;
    unsigned children;          /* slots for each worker's */
    struct counter_slot *slots; /* a worker's, then its children's; then the next worker's */
    size_t slots_len;
};

/* NULL: no address space. */
struct counters *counters_open(unsigned workers, unsigned children);
void counters_close(struct counters *counters);

static inline struct counter_slot *counters_worker(const struct counters *counters, unsigned worker) {
    return &counters->slots[(size_t)worker * (1 + counters->children)];
}

#endif
