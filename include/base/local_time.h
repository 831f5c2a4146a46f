/* How far the local time is from UTC. The C library tells, which takes a lock and may read a file: so it is asked in
   one place, never in a forked child (which might have been forked while another thread held the lock), and not for
   each line of a log. */
#ifndef LOCAL_TIME_H
#define LOCAL_TIME_H

#include <stdint.h>

/* Asks, if the quarter of an hour is a new one, when clocks may have been put forward or back. */
void local_time_update(int64_t seconds);

/* Seconds east of UTC, as last asked; a multiple of 60. */
int local_time_offset(void);

/* Writes "+hhmm", with `colon` "+hh:mm"; returns the length. */
int local_time_put_offset(char *out, int offset, int colon);

#endif
