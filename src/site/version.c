#define _GNU_SOURCE
#include "site/version.h"
#include "base/hash.h"

#include <unistd.h>

enum { BLOCK_LEN = 16 * 1024, SAMPLE_COUNT = 5 };

static uint64_t hash_block(int fd, uint64_t first, uint64_t left, uint64_t hash) {
    char block[BLOCK_LEN];
    ssize_t n = pread(fd, block, left < sizeof block ? (size_t)left : sizeof block, (off_t)first);
    return hash_bytes(block, n > 0 ? (size_t)n : 0, hash);
}

uint64_t version_content(int fd, uint64_t size) {
    uint64_t hash = 0;
    if (size > VERSION_WHOLE_MAX)
        for (uint64_t i = 0; i < SAMPLE_COUNT; i++)
            hash = hash_block(fd, (size - BLOCK_LEN) / (SAMPLE_COUNT - 1) * i, BLOCK_LEN, hash);
    else
        for (uint64_t first = 0; first < size; first += BLOCK_LEN)
            hash = hash_block(fd, first, size - first, hash);
    return hash;
}

bool version_same(const struct outq_source *source, bool sure) {
    struct stat st;
    if (fstat(source->fd, &st) < 0 || (uint64_t)st.st_size < source->size)
        return false;
    if (version_of(&st) == source->version || !sure)
        return true;
    /* A write shows in the time before it shows in the size: so a new time alone may yet be growth. */
    if ((uint64_t)st.st_size == source->size && source->size > VERSION_WHOLE_MAX)
        return false;
    return version_content(source->fd, source->size) == source->content;
}
