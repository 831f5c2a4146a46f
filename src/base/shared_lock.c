/* A robust mutex: who takes it after its holder has died is told so (EOWNERDEAD), and goes on. */
#define _GNU_SOURCE
#include "base/shared_lock.h"

#include <errno.h>

void shared_lock_init(pthread_mutex_t *lock) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void shared_lock_take(pthread_mutex_t *lock) {
    if (pthread_mutex_lock(lock) == EOWNERDEAD)
        pthread_mutex_consistent(lock);
}

void shared_lock_drop(pthread_mutex_t *lock) {
    pthread_mutex_unlock(lock);
}
