/* A table of pairs of words that several threads and processes read and write without a lock. A slot holds a fact and,
   beside it, the fact xor its key: words of two facts that were written at once don't fit together, so a torn slot
   is an unknown one, never a wrong one. */
#define _GNU_SOURCE
#include "site/known.h"
#include "base/hash.h"
#include "base/shared_lock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { SLOTS = 1 << 17 }; /* 2 MiB, touched as it fills: more files than a cache of 64 MiB knows, four times over */

struct slot {
    _Atomic uint64_t check, fact;
};

struct known {
    pthread_mutex_t turn;
    uint64_t seed;
    struct slot slots[SLOTS];
};

struct known *known_open(void) {
    struct known *known = mmap(NULL, sizeof *known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (known == MAP_FAILED)
        return NULL;
    shared_lock_init(&known->turn);
    if (getrandom(&known->seed, sizeof known->seed, GRND_NONBLOCK) < 0)
        known->seed = (uint64_t)(uintptr_t)known; /* early at boot: the address is random too */
    return known;
}

size_t known_memory(void) {
    return sizeof(struct known);
}

void known_close(struct known *known) {
    munmap(known, sizeof *known);
}

static uint64_t hash_key(const struct known *known, const uint64_t *words, size_t size) {
    uint64_t key = hash_bytes(words, size, known->seed);
    return key ? key : 1; /* an empty slot is about 0 */
}

uint64_t known_key(const struct known *known, enum known_kind kind, const struct stat *st, uint64_t size) {
    const uint64_t words[] = {(uint64_t)kind,
                              st->st_dev,
                              st->st_ino,
                              (uint64_t)st->st_size,
                              size,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_ctim.tv_sec,
                              (uint64_t)st->st_ctim.tv_nsec};
    return hash_key(known, words, sizeof words);
}

uint64_t known_key_tagged(const struct known *known, const struct stat *st, uint64_t tag) {
    const uint64_t words[] = {KNOWN_TAGGED, st->st_dev, st->st_ino, tag};
    return hash_key(known, words, sizeof words);
}

bool known_get(const struct known *known, uint64_t key, uint64_t *fact) {
    const struct slot *slot = &known->slots[key % SLOTS];
    *fact = atomic_load_explicit(&slot->fact, memory_order_relaxed);
    return (atomic_load_explicit(&slot->check, memory_order_relaxed) ^ *fact) == key;
}

void known_put(struct known *known, uint64_t key, uint64_t fact) {
    struct slot *slot = &known->slots[key % SLOTS];
    atomic_store_explicit(&slot->check, fact ^ key, memory_order_relaxed);
    atomic_store_explicit(&slot->fact, fact, memory_order_relaxed);
}

/* A child may be killed in its turn. It leaves nothing behind. */
void known_begin(struct known *known) {
    shared_lock_take(&known->turn);
}

void known_end(struct known *known) {
    shared_lock_drop(&known->turn);
}
