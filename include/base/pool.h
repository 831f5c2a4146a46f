/* Buffers of one size, lent and given back. All are reserved at start and touched only when first lent; the one given
   back last is lent first, so that few connections at work share few, cache-warm buffers. */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool {
    char *base;
    size_t slot_size, slot_count;
    size_t touched; /* slots below were lent at least once */
    void *free;     /* LIFO through the first word of each */
};

/* Reserves address space for `slot_count` slots of `slot_size` bytes (rounded up to 64). False: no address space. */
bool pool_open(struct pool *pool, size_t slot_size, size_t slot_count);
void pool_close(struct pool *pool);

/* A slot with arbitrary content, aligned to 64 bytes, the caller's until dropped; NULL when all are lent. */
void *pool_take(struct pool *pool);
void pool_drop(struct pool *pool, void *slot);

#endif
