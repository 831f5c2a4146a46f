/* Lines on their way from one who makes them to the one who writes them: a ring in memory that forked children share,
   with one at each end, so that neither waits for the other or takes a lock. What doesn't fit is dropped and counted. A
   line is there as a whole or not at all, even if its maker is killed. */
#ifndef LOG_LANE_H
#define LOG_LANE_H

#include "base/slice.h"
#include "base/tally.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Wakes the writer: shared, too. */
struct log_bell {
    atomic_bool asleep; /* the writer waits for the first line */
    atomic_bool hurry;  /* it has been told that a lane fills up */
    atomic_uint lost;   /* lines of those who have no lane */
    int fd;             /* an eventfd */
};

/* Positions count bytes and wrap. */
struct log_lane {
    _Alignas(64) _Atomic uint32_t head; /* the maker's: lines before it are whole */
    struct tally lines, lost;           /* made: written some time; and dropped */
    _Alignas(64) _Atomic uint32_t tail; /* the writer's: bytes before it have been written */
    uint32_t len;                       /* of the ring: a power of two */
    struct log_bell *bell;
    _Alignas(64) char ring[];
};

/* In new memory, all zero. NULL: none is left. */
struct log_lane *log_lane_open(size_t len, struct log_bell *bell);
void log_lane_close(struct log_lane *lane);

/* The maker's. */
void log_lane_put(struct log_lane *lane, const char *line, size_t len);

/* The writer's: the bytes from `skip` behind the tail on, in up to two pieces. Returns how many there are. */
size_t log_lane_look(const struct log_lane *lane, uint32_t skip, struct slice pieces[2]);

/* They have been written. */
void log_lane_drop(struct log_lane *lane, uint32_t len);

#endif
