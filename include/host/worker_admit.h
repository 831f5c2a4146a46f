/* Newcomers: --max-per-ip, over all workers; and which worker they go to. For the worker*.c files. */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "host/worker.h"

/* Makes a client of an accepted connection, which takes `fd`, and gives it to the model; or closes it: there are too
   many from its address. There must be a free place. */
void worker_admit(struct worker *worker, int fd, const struct sockaddr_storage *peer);

/* To be called when the worker has accepted: if it has clearly more clients than another, it yields the next ones to
   that for a moment. */
void worker_invite(struct worker *worker);

/* How many newcomers others have yielded to this worker, since this was asked last. */
unsigned worker_invited(struct worker *worker);

/* conn_env.count. */
peer_count_fn worker_count;

#endif
