/* Which version of a file something belongs to: told by what the file system says of it, and proved by its content. */
#ifndef VERSION_H
#define VERSION_H

#include "base/hash.h"
#include "base/load.h"
#include "site/known.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    /* A tag is of the whole content up to here: reading and hashing as much takes a millisecond or two. Above, it is
       of samples, size and time; unless the time says nothing. */
    VERSION_WHOLE_MAX = 4 << 20,
    /* What is longer than this is hashed in turn, lest others wait for a processor; this takes some 50 us. */
    VERSION_SHORT_MAX = 256 << 10,
    /* A file is hashed up to here to tell whether it has only grown while it was sent. */
    VERSION_PROOF_MAX = 16 << 20,
    /* A file that changed within so many seconds is taken for one that is being written to. */
    VERSION_YOUNG_S = 5,
    /* One that changed within so many seconds may change again and show the same times: within the clock's tick, or
       as the write that set them is still under way. */
    VERSION_SETTLED_S = 2,
};

/* No time can be set back so that this doesn't change: the inode's change time can't be set. */
static inline uint64_t version_of(const struct stat *st) {
    const uint64_t words[] = {st->st_ino,
                              (uint64_t)st->st_size,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_ctim.tv_sec,
                              (uint64_t)st->st_ctim.tv_nsec};
    return hash_bytes(words, sizeof words, 0);
}

/* The same without what changes when nothing is written: a name less, say, when it is deleted or replaced. */
static inline uint64_t version_written(const struct stat *st) {
    const uint64_t words[] = {st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec};
    return hash_bytes(words, sizeof words, 0);
}

static inline bool version_young(const struct stat *st, int64_t now_seconds) {
    return st->st_ctim.tv_sec + VERSION_YOUNG_S > now_seconds;
}

/* Where a content is hashed that isn't to be at once: what would hold up others for long isn't hashed in turn. */
static inline enum load_lane version_lane(uint64_t size) {
    return size > VERSION_SHORT_MAX && size <= VERSION_PROOF_MAX ? LANE_HASHES : LANE_FILES;
}

/* A hash of all `len` bytes. */
uint64_t version_bytes(const char *bytes, size_t len);

/* The same of the first `size` bytes of the file, whose turn is known's unless it may take LOAD_WAITS. False: not all
   of them could be read, or it takes more. */
bool version_content(struct known *known, int fd, uint64_t size, enum load_effort effort, uint64_t *hash);

/* The same, which is filed under `key` as a fact about the version that *st shows, if no other can have been read or
   could show the same times. Of one that has been cut meanwhile, *hash is of what there is. False: it takes more, or
   can't be read. */
bool version_learn(struct known *known, uint64_t key, int fd, const struct stat *st, uint64_t size,
                   enum load_effort effort, uint64_t *hash);

/* The same of samples of a file that is longer than VERSION_WHOLE_MAX. False: not at hand, or it can't be read. */
bool version_sample(struct known *known, uint64_t key, int fd, const struct stat *st, bool at_hand, uint64_t *hash);

/* Whether the file still is of the version that *st shows. */
bool version_is_still(int fd, const struct stat *st);

#endif
