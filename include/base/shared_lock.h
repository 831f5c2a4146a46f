/* A lock in shared memory, for threads of several processes. If its holder is killed it passes to the next, without a
   word: so what is done under it must leave nothing half done that could do harm. */
#ifndef SHARED_LOCK_H
#define SHARED_LOCK_H

#include <pthread.h>

/* Once, before there are others. */
void shared_lock_init(pthread_mutex_t *lock);

void shared_lock_take(pthread_mutex_t *lock);
void shared_lock_drop(pthread_mutex_t *lock);

#endif
