/* A histogram of times: four buckets to each power of two, from a microsecond to a minute. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

enum {
    LATENCY_POWERS = 26, /* 2^26 us: 67 s */
    LATENCY_BUCKETS = 4 * (LATENCY_POWERS - 1) + 1,
};

/* The bucket that a time falls in; the last one has all that is longer. */
static inline unsigned latency_bucket(uint64_t ns) {
    uint64_t us = ns / 1000;
    if (us < 4)
        return (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us);
    return power < LATENCY_POWERS ? 4 * (power - 1) + (unsigned)(us >> (power - 2) & 3) : LATENCY_BUCKETS - 1;
}

/* The least time in a bucket, in microseconds; that of the one behind it is where it ends. */
static inline uint64_t latency_least_us(unsigned bucket) {
    return bucket < 4 ? bucket : (uint64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

#endif
