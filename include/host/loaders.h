/* The few threads that wait for disks, and compute what takes long, in place of the loops: shared by all workers,
   started when first needed. Their queues are bounded by the connections, each of which waits for at most one load. */
#ifndef LOADERS_H
#define LOADERS_H

#include "base/load.h"
#include "observe/counters.h"

#include <stdatomic.h>

struct loaders;
struct observed;

/* Where loads are reported to a worker when they have been done. */
struct loads {
    _Atomic(struct load *) done; /* by whoever did them, the last one first */
    int wake_fd;                 /* an eventfd, written to when the first comes */
};

/* `observed`: where to count and note events; NULL: nobody wants that. Returns NULL: no memory. */
struct loaders *loaders_open(const struct observed *observed);

/* Ends the threads. Every load must have been reported. */
void loaders_close(struct loaders *loaders);

/* Has a loader do the load and report it to `home`; takes a reference until then. False: there is no loader, so it is
   to be done in place. */
bool loaders_submit(struct loaders *loaders, struct load *load, struct loads *home);

/* Takes the loads that have been reported, in no order, each with that reference; NULL: none. One that is left undone
   is to be submitted again, in another lane. */
struct load *loads_take(struct loads *loads);

#endif
