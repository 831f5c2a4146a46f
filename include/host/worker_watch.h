/* How a worker is watched; nothing where nobody asked for that. */
#ifndef WORKER_WATCH_H
#define WORKER_WATCH_H

#include "host/worker.h"

/* Its connections, before any of them is opened; and its site, once that is there. */
bool worker_watch(struct worker *worker, unsigned index);
void worker_watch_site(struct worker *worker);

/* A round is over. */
void worker_watch_round(struct worker *worker);

#endif
