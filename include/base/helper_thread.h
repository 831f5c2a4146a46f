/* A thread beside those that serve: it takes no signals, which are theirs, and its stack is as small as it may be. */
#ifndef HELPER_THREAD_H
#define HELPER_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* As pthread_create: 0, or an errno. It is the caller's to join. */
int helper_thread_start(pthread_t *thread, size_t stack_len, void *(*main)(void *arg), void *arg);

#endif
