/* What a worker serves: for worker.c. */
#ifndef WORKER_RENEW_H
#define WORKER_RENEW_H

#include "host/worker.h"

/* Answers requests from this from now on. */
void worker_serve(struct worker *worker, struct serving *serving);

/* Between two rounds: takes over what has been offered, closes what was replaced and no reply needs any more, and
   closes files that nobody asks for. */
void worker_renew(struct worker *worker);

/* At the end: closes what it serves, has served and was offered. */
void worker_close_servings(struct worker *worker);

#endif
