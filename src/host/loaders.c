#define _GNU_SOURCE
#include "host/loaders.h"
#include "base/check.h"
#include "base/say.h"
#include "guard/sandbox.h"
#include "observe/observer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK_LEN = 256 * 1024 }; /* the deepest path takes some 60 KiB */

static const unsigned AT_ONCE[LOAD_LANES] = {[LANE_FILES] = LOADERS_PER_SUBTREE, [LANE_LOGINS] = 1, [LANE_GUESSES] = 1};

/* Files have a lane for each subtree, or for a few: one that hangs (a network's, say) keeps some loaders busy for as
   long as it does, never all. They have their turns one after the other. */
enum { SUBTREES = 32, LANES = SUBTREES + LOAD_LANES - 1 };

struct lane {
    unsigned at_once; /* loads, at most */
    struct load *queue, **queue_end;
    unsigned queued, busy; /* loads; threads at them */
};

struct loaders {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct lane lanes[LANES]; /* those of files, then the others */
    unsigned turn;            /* of files */
    unsigned count, idle;     /* threads */
    unsigned begun;           /* threads that have */
    pthread_t threads[LOADERS_MAX];
    const struct observed *observed; /* NULL: nobody asked */
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
    for (unsigned i = 0; i < LANES; i++) {
        unsigned at = i < SUBTREES ? (loaders->turn + i) % SUBTREES : i;
        struct lane *lane = &loaders->lanes[at];
        if (!lane->queue || lane->busy == lane->at_once)
            continue;
        if (i < SUBTREES)
            loaders->turn = at + 1;
        return lane;
    }
    return NULL;
}

static struct lane *loaders_lane(struct loaders *loaders, const struct load *load) {
    return &loaders->lanes[load->lane == LANE_FILES ? load->subtree % SUBTREES : SUBTREES - 1 + load->lane];
}

/* Threads that the queues have something for. */
static unsigned loaders_wanted(const struct loaders *loaders) {
    unsigned wanted = 0;
    for (unsigned i = 0; i < LANES; i++) {
        const struct lane *lane = &loaders->lanes[i];
        unsigned room = lane->at_once - lane->busy;
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

static void loader_work(struct load *load, const struct observer *observer) {
    uint64_t began_ns = observer_now(observer);
    observer_note(observer, EVENT_LOAD, 0, EVENT_NOBODY, false, -1, 0, 0);
    observer_busy(observer, true);
    load->kind->work(load, false);
    observer_busy(observer, false);
    observer_note(observer, EVENT_LOADED, 0, EVENT_NOBODY, false, -1, 0, 0);
    observer_took(observer, FIGURE_LOADS, began_ns);
}

static void *loader_main(void *arg) {
    struct loaders *loaders = arg;
    sandbox_narrow(SANDBOX_LOADER);
    pthread_mutex_lock(&loaders->lock);
    struct observer observer;
    observer_init_loader(&observer, loaders->observed, loaders->begun++);
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
        loader_work(load, &observer);
        report(load);
        pthread_mutex_lock(&loaders->lock);
        lane->busy--;
    }
    pthread_mutex_unlock(&loaders->lock);
    return NULL;
}

struct loaders *loaders_open(const struct observed *observed) {
    struct loaders *loaders = calloc(1, sizeof *loaders);
    if (!loaders)
        return NULL;
    loaders->observed = observed;
    pthread_mutex_init(&loaders->lock, NULL);
    pthread_cond_init(&loaders->wanted, NULL);
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = &loaders->lanes[i];
        lane->at_once = AT_ONCE[i < SUBTREES ? LANE_FILES : i - SUBTREES + 1];
        lane->queue_end = &lane->queue;
    }
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
    struct lane *lane = loaders_lane(loaders, load);
    pthread_mutex_lock(&loaders->lock);
    bool room = lane->queued + lane->busy < lane->at_once;
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
