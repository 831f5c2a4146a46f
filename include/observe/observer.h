/* Who watches the connections of one worker, or of a forked child: it counts what they do, and notes events. Where
   nobody asked for that, there is no watch, and nothing costs more than a look at a pointer. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include "base/clock.h"
#include "engine/watch.h"
#include "observe/counters.h"
#include "observe/events.h"
#include "observe/log_maker.h"

/* What all workers of a process are watched with. */
struct observed {
    struct counters *counters; /* NULL: nobody asked */
    struct event_rings *rings; /* likewise */
    struct access_log *log;    /* likewise */
    bool tells_ends;           /* of connections, at some time: --verbose */
};

struct observer {
    struct watch watch;
    struct counter_slot *slot; /* NULL: nobody asked */
    struct event_ring *ring;   /* likewise */
    const char *conns;         /* the connections: a table, one each conn_len bytes */
    size_t conn_len;
    bool logs; /* lines or ends are asked for */
    unsigned worker;
    uint64_t replied_ns; /* when the last reply left; 0: something else has been done since, or it was a round ago */
    const struct observed *observed;
    struct log_maker log; /* where it logs */
};

/* `observed` (NULL: nobody asked for anything) must outlive it; it must stay where it is. */
void observer_init(struct observer *observer, const struct observed *observed, unsigned worker);

/* For a loader. */
void observer_init_loader(struct observer *observer, const struct observed *observed, unsigned loader);

/* Where the connections are, once that is known: their index is what events say. */
void observer_find_conns(struct observer *observer, const void *conns, size_t conn_len);

/* Makes ready to log what the worker's connections do, where that is asked for: before observer_watch. `head_max` bytes
   a head has at most. False: no memory. */
bool observer_open_log(struct observer *observer, unsigned workers, struct log_conns conns, size_t head_max);
void observer_close_log(struct observer *observer);

/* As log_maker_serve, where it logs. */
void observer_serve(struct observer *observer, const struct log_format *format, bool tells_ends);

/* A connection has been accepted. */
void observer_opened(struct observer *observer, const struct conn *conn);

/* Before a child is forked for the client of this index; and in that child, before it serves: what it counts is its own
   from now on. */
void observer_before_child(const struct observer *observer, unsigned client);
void observer_in_child(struct observer *observer, unsigned client);

/* For conn_env; NULL: nobody asked for anything. */
const struct watch *observer_watch(const struct observer *observer);

/* Counts a thing that is no connection's. */
static inline void observer_count(const struct observer *observer, enum figure figure) {
    if (observer->slot)
        counter_slot_add(observer->slot, figure, 1);
}

/* Notes an event: at at_ns or, if that is 0, just now. */
void observer_put(const struct observer *observer, struct event event);

/* The time, where events are noted: for one that is noted later, when the lock is held again. */
static inline uint64_t observer_stamp(const struct observer *observer) {
    return observer->ring ? clock_fine_ns() : 0;
}

/* One that comes right after another that was noted, and has its time: reading the clock is most of what it costs. */
static inline void observer_note_then(const struct observer *observer, enum event_kind kind, int what, uint32_t client,
                                      bool apart, int fd) {
    if (__builtin_expect(observer->ring != NULL, 0))
        event_ring_put(
            observer->ring,
            &(struct event){.kind = (uint8_t)kind, .what = (uint8_t)what, .client = client, .apart = apart, .fd = fd});
}

static inline void observer_note(const struct observer *observer, enum event_kind kind, int what, uint32_t client,
                                 bool apart, int fd, int64_t value, uint64_t at_ns) {
    if (__builtin_expect(observer->ring != NULL, 0))
        observer_put(observer, (struct event){.kind = (uint8_t)kind,
                                              .what = (uint8_t)what,
                                              .client = client,
                                              .apart = apart,
                                              .fd = fd,
                                              .value = value,
                                              .at_ns = at_ns});
}

/* The system calls of a load, which this thread is about to do, are noted; until observer_hush. `holds`: others may
   write meanwhile, so that they are noted then, the first of them. */
void observer_listen(const struct observer *observer, uint32_t client, bool apart, bool holds);
void observer_hush(void);

static inline void observer_busy(const struct observer *observer, bool busy) {
    if (observer->slot)
        tally_set(&observer->slot->figures[FIGURE_BUSY], busy);
}

/* Whether it asks how long replies take, and so for a fine clock. */
bool observer_times(const struct observer *observer);

/* Counts a round of a loop, which ends now or, if nothing was done since, when the last reply left: reading the clock
   is most of what that costs. */
void observer_round(struct observer *observer, uint64_t began_ns);

/* Counts a load: began_ns is observer_now()'s from before it. */
static inline uint64_t observer_now(const struct observer *observer) {
    return observer->slot ? clock_fine_ns() : 0;
}

static inline void observer_count_load(const struct observer *observer, uint64_t began_ns) {
    if (!observer->slot)
        return;
    counter_slot_add(observer->slot, FIGURE_LOADS, 1);
    counter_slot_add(observer->slot, FIGURE_LOAD_NS, clock_fine_ns() - began_ns);
}

#endif
