/* Loads queue in lanes: those of files in one for each subtree, what takes a processor in one of its kind. A crew is
   the threads for one or several lanes: one crew for all lanes of files, where a lane that nobody is at comes before
   one that wants a second thread, so that a subtree that hangs holds up no other; and a crew of one thread for each of
   the others. Threads are started when there is something to do for them, and stay.

   Invariant, under the lock: at least as many threads of a crew aren't busy as there are loads that it may begin
   (crew_wanted), unless one couldn't be started; and they have been woken, or look once more before they sleep. */
#define _GNU_SOURCE
#include "host/loaders.h"
#include "base/check.h"
#include "base/helper_thread.h"
#include "base/say.h"
#include "guard/sandbox.h"
#include "observe/observer.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STACK_LEN = 256 * 1024, /* the deepest path takes some 60 KiB */
    /* Who hashes yields to the loops: where there is but one processor, and all of it is wanted, a quarter is his. */
    HASHES_NICE = 5,
};

/* Files have a lane for each subtree of which something is loaded. They have their turns one after the other. */
enum { LANES = LOADERS_SUBTREES + LOAD_LANES - 1 };

struct lane {
    struct load *queue, **queue_end;
    unsigned queued, busy; /* loads; threads at them. Neither: it is free for any subtree */
    uint32_t subtree;
};

/* Threads and what they do: files, or what takes a processor. */
struct crew {
    struct loaders *loaders;
    struct lane *lanes;
    unsigned lane_count, turn;
    unsigned count, idle, busy; /* threads */
    pthread_cond_t wanted;
};

struct loaders {
    pthread_mutex_t lock;
    struct lane lanes[LANES];      /* those of files, then the others, in the order of load_lane */
    struct crew crews[LOAD_LANES]; /* by load_lane */
    unsigned count, begun;         /* threads; those that have begun */
    pthread_t threads[LOADERS_MOST];
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
        return; /* full is readable too */
}

/* Each lane has one thread, and the files' of a subtree more, as long as all together have few: so one that hangs (a
   network's, say) holds up no other, however many hang. */
static bool crew_may_more(const struct crew *crew, const struct lane *lane) {
    return crew->lane_count > 1 && lane->busy < LOADERS_PER_SUBTREE && crew->busy < LOADERS_MAX;
}

/* The next lane with something to do that may be done now, before others one that nobody is at; NULL: there is none. */
static struct lane *crew_find(struct crew *crew) {
    struct lane *found = NULL;
    for (unsigned i = 0; i < crew->lane_count && !(found && found->busy == 0); i++) {
        struct lane *lane = &crew->lanes[(crew->turn + i) % crew->lane_count];
        if (lane->queue && (lane->busy == 0 || (!found && crew_may_more(crew, lane))))
            found = lane;
    }
    if (found)
        crew->turn = (unsigned)(found - crew->lanes) + 1;
    return found;
}

/* How many loads may be begun now. */
static unsigned crew_wanted(const struct crew *crew) {
    unsigned firsts = 0, more = 0;
    for (unsigned i = 0; i < crew->lane_count; i++) {
        const struct lane *lane = &crew->lanes[i];
        unsigned first = lane->busy == 0 && lane->queued > 0, busy = lane->busy + first, left = lane->queued - first;
        unsigned room = crew->lane_count > 1 && busy < LOADERS_PER_SUBTREE ? LOADERS_PER_SUBTREE - busy : 0;
        firsts += first;
        more += left < room ? left : room;
    }
    unsigned room = crew->busy + firsts < LOADERS_MAX ? LOADERS_MAX - crew->busy - firsts : 0;
    return firsts + (more < room ? more : room);
}

static void *loader_main(void *arg);

static void crew_hire(struct crew *crew) {
    struct loaders *loaders = crew->loaders;
    CHECK(loaders->count < LOADERS_MOST);
    int error = helper_thread_start(&loaders->threads[loaders->count], STACK_LEN, loader_main, crew);
    if (!error) {
        crew->count++;
        loaders->count++;
    } else if (!loaders->refused) {
        say_as(SAY_WARNING, "can't start a loader: %s; slow disks are waited for by those who have one to do it",
               strerror(error));
        loaders->refused = true;
    }
}

/* Sees to it that what may be begun is: whoever isn't busy looks for it, or will as soon as he is woken. As many are
   needed as he who leaves a lane can take over, since that comes before what others have more of; so no loader need
   hire, which the sandbox doesn't let him. */
static void crew_call(struct crew *crew) {
    if (crew_wanted(crew) > crew->count - crew->busy)
        crew_hire(crew);
    pthread_cond_signal(&crew->wanted);
}

/* That of the subtree; where there are more of these than lanes, they share. */
static struct lane *crew_lane(const struct crew *crew, uint32_t subtree) {
    struct lane *found = &crew->lanes[subtree % crew->lane_count];
    for (unsigned i = 0; i < crew->lane_count; i++) {
        struct lane *lane = &crew->lanes[i];
        if (lane->queued + lane->busy == 0)
            found = lane;
        else if (lane->subtree == subtree)
            return lane;
    }
    return found;
}

/* False: there is nobody to do it. */
static bool crew_add(struct crew *crew, struct load *load) {
    struct lane *lane = crew_lane(crew, load->subtree);
    if (lane->queued + lane->busy == 0)
        lane->subtree = load->subtree;
    load->next = NULL;
    *lane->queue_end = load;
    struct load **end = lane->queue_end;
    lane->queue_end = &load->next;
    lane->queued++;
    crew_call(crew);
    if (crew->count > 0)
        return true;
    *end = NULL;
    lane->queue_end = end;
    lane->queued--;
    return false;
}

static struct load *crew_take(struct crew *crew, struct lane *lane) {
    struct load *load = lane->queue;
    lane->queue = load->next;
    if (!lane->queue)
        lane->queue_end = &lane->queue;
    lane->queued--;
    lane->busy++;
    crew->busy++;
    return load;
}

static bool lane_remove(struct lane *lane, const struct load *load) {
    struct load **at = &lane->queue;
    while (*at && *at != load)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = load->next;
    if (!*at)
        lane->queue_end = at;
    lane->queued--;
    return true;
}

static void loader_work(struct load *load, const struct observer *observer) {
    uint64_t began_ns = observer_now(observer);
    observer_note(observer, EVENT_LOAD, 0, EVENT_NOBODY, false, -1, 0, 0);
    observer_busy(observer, true);
    observer_listen(observer, EVENT_NOBODY, false, false);
    load->undone = !load->kind->work(load, load_effort(load));
    observer_hush();
    observer_busy(observer, false);
    observer_note(observer, EVENT_LOADED, 0, EVENT_NOBODY, false, -1, 0, 0);
    observer_count_load(observer, began_ns);
}

static void *loader_main(void *arg) {
    struct crew *crew = arg;
    struct loaders *loaders = crew->loaders;
    if (crew == &loaders->crews[LANE_HASHES])
        setpriority(PRIO_PROCESS, 0, HASHES_NICE); /* where it can't, it doesn't: a thread's own is Linux's idea */
    sandbox_narrow(SANDBOX_LOADER);
    pthread_mutex_lock(&loaders->lock);
    struct observer observer;
    observer_init_loader(&observer, loaders->observed, loaders->begun++);
    for (;;) {
        struct lane *lane;
        while (!(lane = crew_find(crew)) && !loaders->closing)
            pthread_cond_wait(&crew->wanted, &loaders->lock);
        if (!lane)
            break;
        struct load *load = crew_take(crew, lane);
        pthread_mutex_unlock(&loaders->lock);
        loader_work(load, &observer);
        if (load->home)
            report(load);
        else
            load_put(load);
        pthread_mutex_lock(&loaders->lock);
        lane->busy--;
        crew->busy--;
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
    struct lane *lane = loaders->lanes;
    for (unsigned i = 0; i < LOAD_LANES; i++) {
        struct crew *crew = &loaders->crews[i];
        *crew = (struct crew){.loaders = loaders, .lanes = lane, .lane_count = i == LANE_FILES ? LOADERS_SUBTREES : 1};
        pthread_cond_init(&crew->wanted, NULL);
        lane += crew->lane_count;
    }
    for (unsigned i = 0; i < LANES; i++)
        loaders->lanes[i].queue_end = &loaders->lanes[i].queue;
    return loaders;
}

void loaders_close(struct loaders *loaders) {
    pthread_mutex_lock(&loaders->lock);
    loaders->closing = true;
    for (unsigned i = 0; i < LOAD_LANES; i++)
        pthread_cond_broadcast(&loaders->crews[i].wanted);
    pthread_mutex_unlock(&loaders->lock);
    for (unsigned i = 0; i < loaders->count; i++)
        pthread_join(loaders->threads[i], NULL);
    for (unsigned i = 0; i < LOAD_LANES; i++)
        pthread_cond_destroy(&loaders->crews[i].wanted);
    pthread_mutex_destroy(&loaders->lock);
    free(loaders);
}

bool loaders_submit(struct loaders *loaders, struct load *load, struct loads *home) {
    pthread_mutex_lock(&loaders->lock);
    load->home = home;
    bool somebody = crew_add(&loaders->crews[load->lane], load);
    if (somebody) {
        load->state = LOAD_UNDER_WAY;
        load_get(load);
    }
    pthread_mutex_unlock(&loaders->lock);
    return somebody;
}

/* Who leaves has mostly waited for longest, so his is among the first. */
bool loaders_withdraw(struct loaders *loaders, struct load *load) {
    struct crew *crew = &loaders->crews[load->lane];
    bool found = false;
    pthread_mutex_lock(&loaders->lock);
    for (unsigned i = 0; i < crew->lane_count && !found; i++)
        found = lane_remove(&crew->lanes[i], load);
    pthread_mutex_unlock(&loaders->lock);
    if (!found)
        return false;
    load->state = LOAD_NEW;
    load_put(load);
    return true;
}

bool loaders_detach(struct loaders *loaders, struct load *load) {
    pthread_mutex_lock(&loaders->lock);
    load->home = NULL;
    bool somebody = crew_add(&loaders->crews[load->lane], load);
    pthread_mutex_unlock(&loaders->lock);
    return somebody;
}

struct load *loads_take(struct loads *loads) {
    if (!atomic_load_explicit(&loads->done, memory_order_relaxed))
        return NULL;
    return atomic_exchange_explicit(&loads->done, NULL, memory_order_acquire);
}
