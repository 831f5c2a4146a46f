#define _GNU_SOURCE
#include "site/version.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_LEN = 16 * 1024, SAMPLE_COUNT = 5 };

uint64_t version_bytes(const char *bytes, size_t len) {
    uint64_t hash = 0;
    for (size_t first = 0; first < len; first += BLOCK_LEN)
        hash = hash_bytes(bytes + first, len - first < BLOCK_LEN ? len - first : BLOCK_LEN, hash);
    return hash;
}

static bool hash_block(int fd, uint64_t first, uint64_t left, uint64_t *hash) {
    char block[BLOCK_LEN];
    size_t len = left < sizeof block ? (size_t)left : sizeof block;
    ssize_t n;
    do
        n = pread(fd, block, len, (off_t)first);
    while (n < 0 && errno == EINTR);
    *hash = hash_bytes(block, n > 0 ? (size_t)n : 0, *hash);
    return n == (ssize_t)len;
}

bool version_content(int fd, uint64_t size, uint64_t *hash) {
    bool ok = true;
    *hash = 0;
    for (uint64_t first = 0; first < size && ok; first += BLOCK_LEN)
        ok = hash_block(fd, first, size - first, hash);
    return ok;
}

static bool hash_samples(int fd, uint64_t size, uint64_t *hash) {
    bool ok = true;
    *hash = 0;
    for (uint64_t i = 0; i < SAMPLE_COUNT && ok; i++)
        ok = hash_block(fd, (size - BLOCK_LEN) / (SAMPLE_COUNT - 1) * i, BLOCK_LEN, hash);
    return ok;
}

/* Another write within the clock's tick wouldn't show in the times; nor, on a file system that keeps whole seconds,
   within two of those. */
static bool is_settled(const struct stat *st) {
    const int64_t settled_ms = st->st_ctim.tv_nsec == 0 ? 2000 : 25;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - st->st_ctim.tv_sec) * 1000 + (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
    return age_ms >= settled_ms;
}

bool version_learn(struct known *known, uint64_t key, int fd, const struct stat *st, uint64_t size, bool whole,
                   uint64_t *hash) {
    struct stat after;
    bool settled = is_settled(st);
    whole = whole || size <= SAMPLE_COUNT * BLOCK_LEN;
    bool filed = (whole ? version_content(fd, size, hash) : hash_samples(fd, size, hash)) && settled &&
                 fstat(fd, &after) == 0 && version_of(&after) == version_of(st);
    if (filed)
        known_put(known, key, *hash);
    return filed;
}
