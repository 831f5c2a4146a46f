/* Who watches the connections of one worker, or of a forked child: it counts what they do. Where nobody asked for
   that, there is no watch, and nothing costs anything. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include "engine/watch.h"
#include "observe/counters.h"

/* What all workers of a process are watched with. */
struct observed {
    struct counters *counters; /* NULL: nobody asked */
};

struct observer {
    const struct observed *observed;
    unsigned worker;
    struct counter_slot *slot; /* NULL: nobody asked */
    struct watch watch;
};

/* `observed` (NULL: nobody asked for anything) must outlive it; it must stay where it is. */
void observer_init(struct observer *observer, const struct observed *observed, unsigned worker);

/* In a forked child, which has the client of this index, before it serves: what it counts is its own from now on. */
void observer_in_child(struct observer *observer, unsigned client);

/* For conn_env; NULL: nobody asked for anything. */
const struct watch *observer_watch(const struct observer *observer);

#endif
