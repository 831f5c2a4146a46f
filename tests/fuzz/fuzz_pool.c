/* Pools that lend from the heap: under AddressSanitizer a byte beyond a buffer, or a use of one given back, is a
   report. `touched` counts what is lent. The largest are lent again as they are: to unmap and map them each time takes
   longer than all else that an input does. */
#include "base/check.h"
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_LEAST = 64 * 1024 };

bool pool_open(struct pool *pool, size_t slot_size, size_t slot_count) {
    *pool = (struct pool){.slot_size = slot_size, .slot_count = slot_count};
    return true;
}

void pool_close(struct pool *pool) {
    CHECK(pool->touched == 0);
    for (void *slot = pool->free, *next; slot; slot = next) {
        memcpy(&next, slot, sizeof next);
        free(slot);
    }
}

void *pool_take(struct pool *pool) {
    void *slot = pool->free;
    if (pool->touched == pool->slot_count)
        return NULL;
    if (slot)
        memcpy(&pool->free, slot, sizeof pool->free);
    else
        slot = malloc(pool->slot_size);
    CHECK(slot);
    pool->touched++;
    return slot;
}

void pool_drop(struct pool *pool, void *slot) {
    CHECK(slot && pool->touched > 0);
    pool->touched--;
    if (pool->slot_size < KEPT_LEAST) {
        free(slot);
        return;
    }
    memcpy(slot, &pool->free, sizeof pool->free);
    pool->free = slot;
}
