/* What a site counts of its look-ups; plain figures that others may read. */
#ifndef SITE_COUNTS_H
#define SITE_COUNTS_H

#include "base/tally.h"

struct site_counts {
    struct tally hits;   /* answered from what was known */
    struct tally checks; /* what was known had to be compared with the file system */
    struct tally misses; /* nothing was known */
};

#endif
