/* Days and months by arithmetic on the Gregorian calendar: no C library's time functions, which take a lock and the
   environment's time zone. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdint.h>

struct calendar {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
};

/* 1970-01-01 00:00:00 to 9999-12-31 23:59:59: what calendar_of takes. */
#define CALENDAR_SECONDS_LAST INT64_C(253402300799)

/* What is before or after that becomes its first or last second. */
static inline int64_t calendar_clamp(int64_t seconds) {
    return seconds < 0 ? 0 : seconds > CALENDAR_SECONDS_LAST ? CALENDAR_SECONDS_LAST : seconds;
}

extern const char *const calendar_months[12]; /* "Jan" ... */

struct calendar calendar_of(int64_t seconds);

/* For years from 1 on. */
int64_t calendar_seconds(const struct calendar *calendar);

/* Writes exactly `count` digits. */
void calendar_put(char *out, int value, int count);

#endif
