/* A figure that one thread counts and any may read: plain loads and stores, as nobody else writes. */
#ifndef TALLY_H
#define TALLY_H

#include <stdatomic.h>
#include <stdint.h>

struct tally {
    _Atomic uint64_t value;
};

static inline uint64_t tally_get(const struct tally *tally) {
    return atomic_load_explicit(&tally->value, memory_order_relaxed);
}

static inline void tally_set(struct tally *tally, uint64_t value) {
    atomic_store_explicit(&tally->value, value, memory_order_relaxed);
}

static inline void tally_add(struct tally *tally, uint64_t more) {
    tally_set(tally, tally_get(tally) + more);
}

#endif
