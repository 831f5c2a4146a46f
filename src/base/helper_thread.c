/* Blocked before the thread is made, as it begins with its maker's mask: so there is no moment in which it could take a
   signal. */
#define _GNU_SOURCE
#include "base/helper_thread.h"

#include <signal.h>

int helper_thread_start(pthread_t *thread, size_t stack_len, void *(*main)(void *arg), void *arg) {
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, stack_len);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(thread, &attr, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return error;
}
