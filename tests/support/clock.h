/* clock - bounded waits: instants on the monotonic clock in milliseconds. */
#ifndef TEST_CLOCK_H
#define TEST_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left until an instant, as poll(2) wants it: never negative. */
static inline int clock_left_ms(int64_t until_ms) {
    int64_t left = until_ms - clock_now_ms();
    return left > 0 ? (int)left : 0;
}

#endif
