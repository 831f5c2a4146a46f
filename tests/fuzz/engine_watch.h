/* Somebody who watches a connection, and holds what he is told against what he is told later, and against the bytes
   that came and left. */
#ifndef ENGINE_WATCH_H
#define ENGINE_WATCH_H

#include "engine/watch.h"

struct engine_watch {
    struct watch watch; /* for the env */
    unsigned begun, ended, closed;
    uint64_t received, sent; /* as he was told */
    uint64_t exchanges_sent; /* of those that have ended */
};

/* Begins anew, for another connection. He keeps something of each exchange, `keep_max` bytes of some. */
void engine_watch_open(struct engine_watch *watcher, size_t keep_max);

/* After conn_close: all that began has ended, and the bytes add up. */
void engine_watch_check(const struct engine_watch *watcher, uint64_t received, uint64_t sent);

#endif
