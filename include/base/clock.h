/* The time as the worker last read it: once per wake-up, so that a request costs no clock call. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DATE_LEN = 37 };

struct clock {
    uint64_t now_ms; /* monotonic */
    uint64_t now_ns; /* the same to the nanosecond, where `fine` asks for it; else it isn't kept */
    bool fine;
    int64_t seconds;           /* since the epoch */
    char date[CLOCK_DATE_LEN]; /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", rendered once a second */
};

/* Reads the kernel's coarse clocks: a tick old at most, which no timeout here notices. With clock->fine the monotonic
   one is read precisely, for now_ns. The engine and the protocol only see the result. */
void clock_update(struct clock *clock);

/* Reads the monotonic clock precisely, to tell how long something took. */
uint64_t clock_fine_ns(void);

/* The time of day in ms since the epoch, a tick old at most. */
uint64_t clock_epoch_ms(void);

#endif
