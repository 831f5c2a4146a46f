/* When a connection has waited for too long, by what it waits for: for conn.c. */
#ifndef CONN_DEADLINES_H
#define CONN_DEADLINES_H

#include "engine/conn.h"

/* `unfinished_before`: a request that is unfinished now was so before these bytes came, and keeps its deadline. */
static inline void conn_set_reading_deadline(struct conn *conn, bool unfinished_before) {
    const struct limits *limits = conn->env->limits;
    if (!conn->in)
        conn->deadline_ms = conn->env->clock.now_ms + limits->idle_timeout_ms;
    else if (!unfinished_before)
        conn->deadline_ms = conn->env->clock.now_ms + limits->header_timeout_ms;
}

/* Two limits: a time without progress; and the least rate, from when the replies under way began. */
static inline void conn_set_reply_deadline(struct conn *conn) {
    const struct limits *limits = conn->env->limits;
    uint64_t stalled = conn->env->clock.now_ms + limits->send_timeout_ms;
    if (limits->min_rate) {
        uint64_t slow = conn->reply_at_ms + limits->send_timeout_ms + conn->sent * 1000 / limits->min_rate;
        if (slow < stalled)
            stalled = slow;
    }
    conn->deadline_ms = stalled;
}

/* Of one that begins to linger or, as bytes come, does. Others may have come for its place since it began;
   but a stop, which says that it is crowded too, cuts nobody short. */
static inline void conn_set_linger_deadline(struct conn *conn) {
    const struct conn_env *env = conn->env;
    bool crowded = atomic_load_explicit(env->crowded, memory_order_relaxed);
    uint64_t until_ms = env->clock.now_ms + (crowded ? ROOM_GRACE_MS : LINGER_MS);
    bool goes_on = conn->state == CONN_LINGERING && (env->draining || until_ms > conn->deadline_ms);
    if (!goes_on)
        conn->deadline_ms = until_ms;
}

#endif
