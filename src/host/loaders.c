#define _GNU_SOURCE
#include "host/loaders.h"
#include "base/check.h"
#include "base/say.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Enough for a disk to sort what it is asked for, few enough to leave a processor to the loops. */
    LOADERS_MAX = 8,
    STACK_LEN = 256 * 1024, /* the deepest path takes some 60 KiB */
};

struct loaders {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct load *queue, **queue_end;
    unsigned count, idle; /* threads */
    unsigned queued;      /* loads, some of which idle threads have been woken for */
    pthread_t threads[LOADERS_MAX];
    bool closing, refused;
};

static void report(struct load *load) {
    struct loads *home = load->home;
    const uint64_t one = 1;
    struct load *before = atomic_load_explicit(&home->done, memory_order_relaxed);
    int wake_fd = home->wake_fd; /* the home may be gone as soon as it has heard of its last load */
    do
        load->next = before;
    while (
        !atomic_compare_exchange_weak_explicit(&home->done, &before, load, memory_order_release, memory_order_relaxed));
    if (!before && write(wake_fd, &one, sizeof one) < 0)
        CHECK(errno == EAGAIN); /* full is readable too */
}

static void *loader_main(void *arg) {
    struct loaders *loaders = arg;
    pthread_mutex_lock(&loaders->lock);
    for (;;) {
        while (!loaders->queue && !loaders->closing) {
            loaders->idle++;
            pthread_cond_wait(&loaders->wanted, &loaders->lock);
            loaders->idle--;
        }
        struct load *load = loaders->queue;
        if (!load)
            break;
        loaders->queue = load->next;
        loaders->queued--;
        if (!loaders->queue)
            loaders->queue_end = &loaders->queue;
        pthread_mutex_unlock(&loaders->lock);
        load->kind->work(load, false);
        report(load);
        pthread_mutex_lock(&loaders->lock);
    }
    pthread_mutex_unlock(&loaders->lock);
    return NULL;
}

struct loaders *loaders_open(void) {
    struct loaders *loaders = calloc(1, sizeof *loaders);
    if (!loaders)
        return NULL;
    pthread_mutex_init(&loaders->lock, NULL);
    pthread_cond_init(&loaders->wanted, NULL);
    loaders->queue_end = &loaders->queue;
    return loaders;
}

void loaders_close(struct loaders *loaders) {
    pthread_mutex_lock(&loaders->lock);
    loaders->closing = true;
    pthread_cond_broadcast(&loaders->wanted);
    pthread_mutex_unlock(&loaders->lock);
    for (unsigned i = 0; i < loaders->count; i++)
        pthread_join(loaders->threads[i], NULL);
    pthread_cond_destroy(&loaders->wanted);
    pthread_mutex_destroy(&loaders->lock);
    free(loaders);
}

/* One more thread, which takes no signals: they are the workers'. */
static void loaders_hire(struct loaders *loaders) {
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_LEN);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&loaders->threads[loaders->count], &attr, loader_main, loaders);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (!error)
        loaders->count++;
    else if (!loaders->refused)
        say("can't start a loader: %s; slow disks are waited for by those who have one to do it", strerror(error));
    loaders->refused |= error != 0;
}

bool loaders_submit(struct loaders *loaders, struct load *load, struct loads *home) {
    pthread_mutex_lock(&loaders->lock);
    if (loaders->idle <= loaders->queued && loaders->count < LOADERS_MAX)
        loaders_hire(loaders);
    bool somebody = loaders->count > 0;
    if (somebody) {
        load->state = LOAD_UNDER_WAY;
        load->home = home;
        load->next = NULL;
        load_get(load);
        *loaders->queue_end = load;
        loaders->queued++;
        loaders->queue_end = &load->next;
        pthread_cond_signal(&loaders->wanted);
    }
    pthread_mutex_unlock(&loaders->lock);
    return somebody;
}

struct load *loads_take(struct loads *loads) {
    if (!atomic_load_explicit(&loads->done, memory_order_relaxed))
        return NULL;
    return atomic_exchange_explicit(&loads->done, NULL, memory_order_acquire);
}
