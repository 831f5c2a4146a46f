/* The hash of a block goes on from that of the block before, so a content need not be in memory as a whole. How long
   blocks and samples are, and where they lie, is a part of every tag that clients keep: it must never change. */
#define _GNU_SOURCE
#include "site/version.h"
#include "site/disk.h"

#include <time.h>

enum {
    BLOCK_LEN = 16 * 1024,
    SAMPLE_COUNT = 5,
    SAMPLE_LEN = 4 * 1024, /* the first byte of a film waits for them: 5 us, and 20 with four times as much */
};

uint64_t version_bytes(const char *bytes, size_t len) {
    uint64_t hash = 0;
    for (size_t first = 0; first < len; first += BLOCK_LEN)
        hash = hash_bytes(bytes + first, len - first < BLOCK_LEN ? len - first : BLOCK_LEN, hash);
    return hash;
}

/* Short, where the file has been cut meanwhile; unreadable, for an error, or as it isn't at hand. */
enum hashed { HASHED_WELL, HASHED_SHORT, UNREADABLE };

static enum hashed hash_block(int fd, uint64_t first, uint64_t left, bool at_hand, uint64_t *hash) {
    char block[BLOCK_LEN];
    size_t len = left < sizeof block ? (size_t)left : sizeof block;
    ssize_t n = at_hand ? disk_read_at_hand(fd, block, len, first) : disk_read(fd, block, len, first);
    *hash = hash_bytes(block, n > 0 ? (size_t)n : 0, *hash);
    return n < 0 ? UNREADABLE : (size_t)n < len ? HASHED_SHORT : HASHED_WELL;
}

static enum hashed hash_content(int fd, uint64_t size, bool at_hand, uint64_t *hash) {
    enum hashed how = HASHED_WELL;
    *hash = 0;
    for (uint64_t first = 0; first < size && how == HASHED_WELL; first += BLOCK_LEN)
        how = hash_block(fd, first, size - first, at_hand, hash);
    return how;
}

static enum hashed hash_in_turn(struct known *known, int fd, uint64_t size, enum load_effort effort, uint64_t *hash) {
    if (effort == LOAD_WAITS)
        return hash_content(fd, size, false, hash);
    known_begin(known);
    enum hashed how = hash_content(fd, size, true, hash);
    known_end(known);
    return how;
}

bool version_content(struct known *known, int fd, uint64_t size, enum load_effort effort, uint64_t *hash) {
    return hash_in_turn(known, fd, size, effort, hash) == HASHED_WELL;
}

static enum hashed hash_samples(int fd, uint64_t size, bool at_hand, uint64_t *hash) {
    enum hashed how = HASHED_WELL;
    *hash = 0;
    for (uint64_t i = 0; i < SAMPLE_COUNT && how == HASHED_WELL; i++)
        how = hash_block(fd, (size - SAMPLE_LEN) / (SAMPLE_COUNT - 1) * i, SAMPLE_LEN, at_hand, hash);
    return how;
}

/* Another write within the clock's tick wouldn't show in the times; nor does the rest of one that is under way: they
   are set where it begins, and it may wait in its middle, for a processor or for the disk to keep up. */
static bool is_settled(const struct stat *st) {
    const int64_t settled_ms = VERSION_SETTLED_S * 1000;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - st->st_ctim.tv_sec) * 1000 + (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
    return age_ms >= settled_ms;
}

bool version_is_still(int fd, const struct stat *st) {
    struct stat now;
    return fstat(fd, &now) == 0 && version_of(&now) == version_of(st);
}

bool version_learn(struct known *known, uint64_t key, int fd, const struct stat *st, uint64_t size,
                   enum load_effort effort, uint64_t *hash) {
    bool settled = is_settled(st);
    enum hashed how = hash_in_turn(known, fd, size, effort, hash);
    if (how == HASHED_WELL && settled && version_is_still(fd, st))
        known_put(known, key, *hash);
    return how == HASHED_WELL || (how == HASHED_SHORT && effort == LOAD_WAITS);
}

bool version_sample(struct known *known, uint64_t key, int fd, const struct stat *st, bool at_hand, uint64_t *hash) {
    bool settled = is_settled(st);
    enum hashed how = hash_samples(fd, (uint64_t)st->st_size, at_hand, hash);
    if (how == HASHED_WELL && settled && version_is_still(fd, st))
        known_put(known, key, *hash);
    return how == HASHED_WELL || (how == HASHED_SHORT && !at_hand);
}
