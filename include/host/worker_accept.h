/* The accept loop's parts: for worker.c, which runs it, worker_stop.c, which ends it, and worker_admit.c. */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "host/worker.h"

enum accepted {
    ACCEPTED,         /* a client, or one that was gone already: try again */
    ACCEPTED_NOBODY,  /* nobody waits there */
    ACCEPTED_NO_MORE, /* there is no place or no descriptor */
};

/* Accepts one client from the listening socket `listener` and gives it to the model. */
enum accepted worker_accept_one(struct worker *worker, int listener);

/* Accepts from the listeners in the set, at which somebody waits. */
void worker_accept(struct worker *worker, listener_set rings);

/* Every place is taken. */
bool worker_full(const struct worker *worker);

/* Looks how many wait at the door, which it returns; if any do, replies say Connection: close from now on. For when
   every place is taken. */
unsigned worker_note_crowd(struct worker *worker);

#endif
