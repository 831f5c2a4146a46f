#define _GNU_SOURCE
#include "host/loaders.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/say.h"
#include "guard/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK_LEN = 256 * 1024 }; /* the deepest path takes some 60 KiB */

static const unsigned AT_ONCE[LOAD_LANES] = {[LANE_FILES] = LOADERS_MAX, [LANE_LOGINS] = 1, [LANE_GUESSES] = 1};

struct lane {
    struct load *queue, **queue_end;
    unsigned queued, busy; /* loads; threads at them */
};

struct loaders {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct lane lanes[LOAD_LANES];
    unsigned count, idle; /* threads */
    unsigned begun;       /* threads that have */
    pthread_t threads[LOADERS_MAX];
    struct counter_slot *slots; /* one for each; NULL: nobody counts */
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

/* The first lane, files before passwords, with something to do and room for one more; NULL: there is none. Whoever
   leaves a lane looks here next, so nobody need be told of the room that he leaves. */
static struct lane *loaders_find(struct loaders *loaders) {
    for (int i = 0; i < LOAD_LANES; i++)
        if (loaders->lanes[i].queue && loaders->lanes[i].busy < AT_ONCE[i])
            return &loaders->lanes[i];
    return NULL;
}

/* Threads that the queues have something for. */
static unsigned loaders_wanted(const struct loaders *loaders) {
    unsigned wanted = 0;
    for (int i = 0; i < LOAD_LANES; i++) {
        const struct lane *lane = &loaders->lanes[i];
        unsigned room = AT_ONCE[i] - lane->busy;
        wanted += lane->queued < room ? lane->queued : room;
    }
    return wanted;
}

static struct load *lane_take(struct lane *lane) {
    struct load *load = lane->queue;
    lane->queue = load->next;
    if (!lane->queue)
        lane->queue_end = &lane->queue;
    lane->queued--;
    lane->busy++;
    return load;
}

static void loader_work(struct load *load, struct counter_slot *slot) {
    if (!slot) {
        load->kind->work(load, false);
        return;
    }
    uint64_t began_ns = clock_fine_ns();
    tally_set(&slot->figures[FIGURE_BUSY], 1);
    load->kind->work(load, false);
    tally_set(&slot->figures[FIGURE_BUSY], 0);
    counter_slot_add(slot, FIGURE_LOADS, 1);
    counter_slot_add(slot, FIGURE_LOAD_NS, clock_fine_ns() - began_ns);
}

static void *loader_main(void *arg) {
    struct loaders *loaders = arg;
    sandbox_narrow(SANDBOX_LOADER);
    pthread_mutex_lock(&loaders->lock);
    unsigned index = loaders->begun++;
    struct counter_slot *slot = loaders->slots ? &loaders->slots[index] : NULL;
    for (;;) {
        struct lane *lane;
        while (!(lane = loaders_find(loaders)) && !loaders->closing) {
            loaders->idle++;
            pthread_cond_wait(&loaders->wanted, &loaders->lock);
            loaders->idle--;
        }
        if (!lane)
            break;
        struct load *load = lane_take(lane);
        pthread_mutex_unlock(&loaders->lock);
        loader_work(load, slot);
        report(load);
        pthread_mutex_lock(&loaders->lock);
        lane->busy--;
    }
    pthread_mutex_unlock(&loaders->lock);
    return NULL;
}

struct loaders *loaders_open(struct counter_slot *slots) {
    struct loaders *loaders = calloc(1, sizeof *loaders);
    if (!loaders)
        return NULL;
    loaders->slots = slots;
    pthread_mutex_init(&loaders->lock, NULL);
    pthread_cond_init(&loaders->wanted, NULL);
    for (int i = 0; i < LOAD_LANES; i++)
        loaders->lanes[i].queue_end = &loaders->lanes[i].queue;
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
        say_as(SAY_WARNING, "can't start a loader: %s; slow disks are waited for by those who have one to do it",
               strerror(error));
    loaders->refused |= error != 0;
}

bool loaders_submit(struct loaders *loaders, struct load *load, struct loads *home) {
    struct lane *lane = &loaders->lanes[load->lane];
    pthread_mutex_lock(&loaders->lock);
    bool room = lane->queued + lane->busy < AT_ONCE[load->lane];
    if (room && loaders->idle <= loaders_wanted(loaders) && loaders->count < LOADERS_MAX)
        loaders_hire(loaders);
    bool somebody = loaders->count > 0;
    if (somebody) {
        load->state = LOAD_UNDER_WAY;
        load->home = home;
        load->next = NULL;
        load_get(load);
        *lane->queue_end = load;
        lane->queue_end = &load->next;
        lane->queued++;
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
