/* The end of a worker, in its own thread: for worker.c. */
#ifndef WORKER_STOP_H
#define WORKER_STOP_H

#include "host/worker.h"

/* The server has been asked to stop: goes as far as it can just now. To be called between any two rounds. */
void worker_stop(struct worker *worker);

/* Whether it is done: nobody is left to be served, or the time for that is over. */
bool worker_stopped(const struct worker *worker);

#endif
