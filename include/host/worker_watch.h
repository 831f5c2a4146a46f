/* How a worker is watched, by counters, logs and events. Where nobody asked for any of these, nothing is done. For the
   worker*.c files. */
#ifndef WORKER_WATCH_H
#define WORKER_WATCH_H

#include "host/worker.h"

/* Has its connections watched, before any of them is opened; and its site, whenever that is another. `index`: the
   worker's number. False: no memory. */
bool worker_watch(struct worker *worker, unsigned index);
void worker_watch_site(struct worker *worker);

/* A round is over: notes how long it took. */
void worker_watch_round(struct worker *worker);

#endif
