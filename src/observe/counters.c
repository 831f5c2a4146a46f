#define _GNU_SOURCE
#include "observe/counters.h"

#include <stdlib.h>
#include <sys/mman.h>

_Static_assert(sizeof(struct tally) == 8 && sizeof(struct counter_slot) % sizeof(struct tally) == 0,
               "a slot is added up as an array of tallies");

struct counters *counters_open(unsigned workers, unsigned children) {
    struct counters *counters = malloc(sizeof *counters);
    if (!counters)
        return NULL;
    size_t count = LOADERS_MOST + (size_t)workers * (1 + children);
    size_t len = sizeof(struct counter_log) + count * sizeof(struct counter_slot);
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        free(counters);
        return NULL;
    }
    *counters = (struct counters){.workers = workers, .children = children, .log = memory, .len = len};
    counters->loaders = (struct counter_slot *)(counters->log + 1);
    counters->slots = counters->loaders + LOADERS_MOST;
    return counters;
}

void counters_close(struct counters *counters) {
    if (!counters)
        return;
    munmap(counters->log, counters->len);
    free(counters);
}

static void counter_slot_sum(const struct counter_slot *slot, struct counter_slot *sum) {
    const struct tally *from = (const struct tally *)slot;
    struct tally *to = (struct tally *)sum;
    for (size_t i = 0; i < sizeof *slot / sizeof *from; i++)
        tally_add(&to[i], tally_get(&from[i]));
}

/* Slots that no child has had are left alone, as a look would take memory for them. */
void counters_add_worker(const struct counters *counters, unsigned worker, struct counter_slot *sum) {
    const struct counter_slot *slot = counters_worker(counters, worker);
    uint64_t children = counter_slot_get(slot, FIGURE_CHILDREN);
    for (uint64_t i = 0; i <= children && i <= counters->children; i++)
        counter_slot_sum(&slot[i], sum);
}

void counters_add_loaders(const struct counters *counters, struct counter_slot *sum) {
    for (unsigned i = 0; i < LOADERS_MOST; i++)
        counter_slot_sum(&counters->loaders[i], sum);
}

uint64_t counter_slot_class(const struct counter_slot *slot, unsigned class) {
    uint64_t count = 0;
    for (int method = 0; method < METHODS; method++)
        count += tally_get(&slot->requests[method][class]);
    return count;
}

uint64_t counter_slot_requests(const struct counter_slot *slot) {
    uint64_t count = 0;
    for (unsigned class = 0; class < STATUS_CLASSES; class ++)
        count += counter_slot_class(slot, class);
    return count;
}

uint64_t counter_slot_timed(const struct counter_slot *slot) {
    uint64_t count = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        count += tally_get(&slot->latency[i]);
    return count;
}
