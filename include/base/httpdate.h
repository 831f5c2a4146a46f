/* HTTP dates (RFC 9110 5.6.7). Knows no clock: the caller brings the time. */
#ifndef HTTPDATE_H
#define HTTPDATE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { HTTPDATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes the IMF-fixdate of `seconds` since the epoch: HTTPDATE_LEN bytes and no terminator. Seconds before 1970 or
   after 9999 are clamped to those ends. Does not use the C library's time functions (they take a lock and the
   environment's time zone). */
void httpdate_format(int64_t seconds, char *out);

/* Reads any of the three forms: IMF-fixdate, RFC 850 (two-digit years that look more than 50 years ahead of
   `now_seconds` are in the past, 5.6.7), asctime. False when it is none of them, or no date in the calendar. A wrong
   day name is accepted (the day name says nothing new), an unknown one isn't. A leap second (:60) is accepted. */
bool httpdate_parse(struct slice text, int64_t now_seconds, int64_t *seconds);

#endif
