/* Files as replies need them: found beneath the root, opened, their validators and head rendered, small ones read. One
   per worker, so without locks. Memory and descriptors are bounded; what was not used of late goes first. What it holds
   is checked against the file system when it was last seen to be true a second ago. */
#ifndef FILECACHE_H
#define FILECACHE_H

#include "clock.h"
#include "docroot.h"
#include "pool.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FILECACHE_COUNT = 16384, /* files known at a time: a large site whole, at 200 bytes each */
    FILECACHE_BUCKETS = 16384,
    FILECACHE_BYTES = 64 << 20,      /* bodies and heads of small files */
    FILECACHE_FDS = 512,             /* descriptors of large files */
    FILECACHE_BODY_MAX = 128 * 1024, /* a file up to here is kept in memory */
    FILECACHE_CLASSES = 11,          /* block sizes 256, 512, ... 256 KiB */
    FILECACHE_TRUST_MS = 950,        /* an entry is believed this long: a second, less the coarse clock's tick */
};

#define FILE_UNDATED INT64_MIN

enum file_kind {
    FILE_BODY,   /* `body` holds it */
    FILE_FD,     /* to be sent from `fd` */
    FILE_FOLDER, /* a folder asked for without its slash */
    FILE_ERROR,  /* `status` says what */
};

struct file {
    struct file *bucket_next;
    uint32_t hash;
    uint32_t refs; /* the cache's own included; 0: the slot is free */
    uint32_t key_len;
    bool cached;  /* in the table */
    bool used;    /* since the eviction hand last passed */
    uint8_t kind; /* enum file_kind */
    int8_t block_class;
    const char *key; /* the path it was asked by, NUL-terminated */
    uint64_t checked_at_ms;

    int status; /* of FILE_ERROR: 403 or 404, or 5xx, which is not cached */
    int fd;     /* of FILE_FD, else -1 */
    uint64_t size;
    int64_t mtime;    /* as Last-Modified shows it; FILE_UNDATED: it says nothing, and isn't shown */
    const char *body; /* of FILE_BODY */
    const char *head; /* status line and fields of a 200, without Date, Connection and the empty line; of it */
    uint16_t head_len;
    uint16_t type_at;  /*   from here the fields that a 206 has too, */
    uint16_t rest_at;  /*   from here those that a 304 has too; */
    struct slice etag; /*   with its quotes, a part of head */

    struct filecache *cache;
    char *block; /* holds body, head and key */
    struct stat st;
};

struct filecache_config {
    const char *root;
    const char *const *index; /* names tried in a folder, in order */
    int index_count;
};

struct filecache {
    const struct filecache_config *config;
    struct docroot root;
    uint64_t root_checked_at_ms;
    uint64_t seed;
    struct file *files;     /* FILECACHE_COUNT slots, touched when first used */
    unsigned touched, hand; /* slots below `touched` were in use once; the hand sweeps them */
    struct file *free;      /* through bucket_next */
    struct pool blocks[FILECACHE_CLASSES];
    uint64_t block_bytes; /* lent */
    unsigned fd_count;
    struct file *buckets[FILECACHE_BUCKETS];
};

/* A cache in memory of its own; NULL with *error = -errno when the root can't be opened or there is no memory.
   `config` must outlive it. */
struct filecache *filecache_open(const struct filecache_config *config, int *error);
void filecache_close(struct filecache *cache);

/* The file at `path` (decoded, without its leading slash), the caller's until filecache_put. Never NULL: an error is a
   file too. */
struct file *filecache_get(struct filecache *cache, const struct clock *clock, struct slice path);

void filecache_put(struct file *file);

/* For the loader (file.c): a block for `size` bytes, room being made by dropping files that nobody uses; NULL when all
   are in use. Sets file->block and its class. */
char *filecache_block(struct filecache *cache, struct file *file, size_t size);

/* For the loader: whether one more descriptor may be kept, room being made likewise. */
bool filecache_fd_room(struct filecache *cache);

#endif
