/* The few threads that wait for disks, and compute what takes long, in place of the loops: shared by all workers,
   started when first needed. Their queues are bounded by the connections, each of which waits for at most one load, and
   takes it back when it leaves. */
#ifndef LOADERS_H
#define LOADERS_H

#include "base/load.h"
#include "observe/counters.h"

#include <stdatomic.h>

struct loaders;
struct observed;

/* Where a worker hears of its loads. */
struct loads {
    _Atomic(struct load *) done; /* by whoever did them, the last one first */
    int wake_fd;                 /* an eventfd, written to when the first comes */
};

/* `observed`: to count in; NULL: nobody asked. NULL: no memory. */
struct loaders *loaders_open(const struct observed *observed);

/* Ends the threads. Every load has been reported. */
void loaders_close(struct loaders *loaders);

/* Has somebody do a new load, which becomes under way, and report to `home`. False: there is nobody; it is to be done
   in place. */
bool loaders_submit(struct loaders *loaders, struct load *load, struct loads *home);

/* Takes back a load that nobody has begun, which is new again: so who asks for what hangs and leaves again and again
   leaves nothing behind. False: somebody has; he will report it. */
bool loaders_withdraw(struct loaders *loaders, struct load *load);

/* Has somebody do a new load that nobody waits for or hears of, and release it when it is done: takes the reference.
   False: there is nobody. */
bool loaders_detach(struct loaders *loaders, struct load *load);

/* Takes what has been reported, in no order; each a reference. What is left undone is to be submitted again, with
   another lane. */
struct load *loads_take(struct loads *loads);

#endif
