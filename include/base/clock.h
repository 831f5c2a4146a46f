/* The time as the worker last read it: once per wake-up, so that a request costs no clock call. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DATE_LEN = 37 };

struct clock {
    uint64_t now_ms; /* monotonic */
    uint64_t now_ns; /* monotonic too, and fine; kept only where somebody wants it: `fine` */
    bool fine;
    int64_t seconds;           /* since the epoch */
    char date[CLOCK_DATE_LEN]; /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", rendered once a second */
};

/* Reads the kernel's coarse clocks (a tick old at most, which no timeout here notices; where it is to be fine, the
   monotonic one finely). The engine and the
   protocol are only shown the result. */
void clock_update(struct clock *clock);

/* The monotonic clock read finely, to tell how long something took: now_ns just now. */
uint64_t clock_fine_ns(void);

/* The time of the day, a tick old at most, in ms since the epoch. */
uint64_t clock_epoch_ms(void);

#endif
