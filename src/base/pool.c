#define _GNU_SOURCE
#include "base/pool.h"
#include "base/check.h"

#include <string.h>
#include <sys/mman.h>

bool pool_open(struct pool *pool, size_t slot_size, size_t slot_count) {
    slot_size = (slot_size + 63) & ~(size_t)63;
    *pool = (struct pool){.slot_size = slot_size, .slot_count = slot_count};
    void *base =
        mmap(NULL, slot_size * slot_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return false;
    pool->base = base;
    return true;
}

void pool_close(struct pool *pool) {
    if (pool->base)
        munmap(pool->base, pool->slot_size * pool->slot_count);
    *pool = (struct pool){0};
}

void *pool_take(struct pool *pool) {
    void *slot = pool->free;
    if (slot)
        memcpy(&pool->free, slot, sizeof pool->free);
    else if (pool->touched < pool->slot_count)
        slot = pool->base + pool->slot_size * pool->touched++;
    return slot;
}

void pool_drop(struct pool *pool, void *slot) {
    CHECK((char *)slot >= pool->base && (char *)slot < pool->base + pool->slot_size * pool->touched);
    memcpy(slot, &pool->free, sizeof pool->free);
    pool->free = slot;
}
