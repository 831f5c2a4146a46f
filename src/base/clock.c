#define _GNU_SOURCE
#include "base/clock.h"
#include "base/httpdate.h"

#include <string.h>
#include <time.h>

uint64_t clock_fine_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_epoch_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void clock_update(struct clock *clock) {
    struct timespec t;
    uint64_t before_ms = clock->now_ms;
    clock_gettime(clock->fine ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_COARSE, &t);
    clock->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    if (clock->fine)
        clock->now_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    if (clock->now_ms == before_ms) /* the coarse clocks tick together */
        return;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    if (t.tv_sec == clock->seconds)
        return;
    clock->seconds = t.tv_sec;
    memcpy(clock->date, "Date: ", 6);
    httpdate_format(clock->seconds, clock->date + 6);
    memcpy(clock->date + 6 + HTTPDATE_LEN, "\r\n", 2);
}
