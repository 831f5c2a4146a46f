/* Who watches the connections of one worker, or of a forked child: it counts what they do. Where nobody asked for
   that, there is no watch, and nothing costs anything. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include "base/clock.h"
#include "engine/watch.h"
#include "observe/counters.h"
#include "observe/log_maker.h"

/* What all workers of a process are watched with. */
struct observed {
    struct counters *counters; /* NULL: nobody asked */
    struct access_log *log;    /* likewise */
    bool tells_ends;           /* of connections: --verbose */
};

struct observer {
    struct watch watch;
    struct counter_slot *slot; /* NULL: nobody asked */
    bool logs;                 /* lines or ends are asked for */
    unsigned worker;
    const struct observed *observed;
    struct log_maker log; /* where it logs */
};

/* `observed` (NULL: nobody asked for anything) must outlive it; it must stay where it is. */
void observer_init(struct observer *observer, const struct observed *observed, unsigned worker);

/* Makes ready to log what the worker's connections do, where that is asked for: before observer_watch. `head_max` bytes
   a head has at most. False: no memory. */
bool observer_open_log(struct observer *observer, unsigned workers, struct log_conns conns, size_t head_max);
void observer_close_log(struct observer *observer);

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

/* Counts one of what takes time, rounds or loads: began_ns is observer_now()'s from before it. The time is counted as
   the figure behind `figure`. */
static inline uint64_t observer_now(const struct observer *observer) {
    return observer->slot ? clock_fine_ns() : 0;
}

static inline void observer_took(const struct observer *observer, enum figure figure, uint64_t began_ns) {
    if (!observer->slot)
        return;
    counter_slot_add(observer->slot, figure, 1);
    counter_slot_add(observer->slot, figure + 1, clock_fine_ns() - began_ns);
}

#endif
