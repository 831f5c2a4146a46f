/* Whom a client is from, and how many may be: --max-per-ip, over all workers; and which worker has him. */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "host/worker.h"

/* Takes the client, opens its connection and gives it to the model; or closes it: there are too many from there. */
void worker_let_in(struct worker *worker, int fd, const struct sockaddr_storage *peer);

/* The worker has let somebody in: where it has clearly more than another, the next are left to that for a moment. */
void worker_invite(struct worker *worker);

/* How many have been left to the worker since it was asked last. */
unsigned worker_invited(struct worker *worker);

/* For the env of a worker's connections, where there is a limit. */
peer_count_fn worker_count;

#endif
