/* Whom a client is from, and how many may be: --max-per-ip, over all workers. */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "host/worker.h"

/* Takes the client, opens its connection and gives it to the model; or closes it: there are too many from there. */
void worker_let_in(struct worker *worker, int fd, const struct sockaddr_storage *peer);

/* For the env of a worker's connections, where there is a limit. */
peer_count_fn worker_count;

#endif
