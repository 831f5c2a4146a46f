/* Files as replies need them: found beneath the root, opened, their validators and head rendered, small ones read. One
   per worker, so without locks. Memory and descriptors are bounded; what was not used of late goes first. What it holds
   is checked against the file system when it was last seen to be true a second ago. */
#ifndef FILECACHE_H
#define FILECACHE_H

#include "protocol/accept_encoding.h"
#include "base/clock.h"
#include "site/docroot.h"
#include "site/listing.h"
#include "base/outq.h"
#include "base/pool.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    FILECACHE_COUNT = 16384, /* files known at a time: a large site whole, at half a kilobyte each */
    FILECACHE_BUCKETS = 16384,
    FILECACHE_BYTES = 64 << 20,      /* bodies and heads of small files */
    FILECACHE_FDS = 512,             /* descriptors of large files; and no more than an eighth of what there are */
    FILECACHE_BODY_MAX = 128 * 1024, /* a file up to here is kept in memory */
    FILECACHE_CLASSES = 15,          /* block sizes 256, 512, ... 4 MiB (a huge folder's listing) */
    FILECACHE_TRUST_MS = 950,        /* an entry is believed this long: a second, less the coarse clock's tick */
    FILE_KEY_MAX = PATH_LEN_MAX + 2, /* a path, or that of a variant */
};

#define FILE_UNDATED INT64_MIN

enum file_kind {
    FILE_BODY,      /* `body` holds it */
    FILE_FD,        /* to be sent from `fd` */
    FILE_FOLDER,    /* a folder asked for without its slash */
    FILE_INDEXLESS, /* a folder without an index file */
    FILE_ERROR,     /* `status` says what */
};

struct file {
    /* What a look-up reads. */
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

    /* What a reply reads. */
    uint64_t size;
    const char *body;       /* of FILE_BODY */
    const char *head;       /* the head of a 200 without Date, Connection and the empty line: its status and length, */
    uint16_t type_at;       /* Content-Type, */
    uint16_t content_at;    /* what belongs to the content whatever the status, */
    uint16_t validators_at; /* what describes the file; from here on a 304 has it too, */
    uint16_t common_at;     /* caching, Vary, the user's own fields */
    uint16_t head_len;
    uint8_t codings;           /* bit i: a precompressed sibling in enum content_coding i is there */
    struct slice etag;         /* with its quotes, a part of head */
    int64_t mtime;             /* as Last-Modified shows it; FILE_UNDATED: it says nothing, and isn't shown */
    int status;                /* of FILE_ERROR: 403 or 404, or 5xx, which is not cached */
    struct outq_source source; /* of FILE_FD; else its fd is -1 */

    struct filecache *cache;
    char *block; /* holds body, head and key */
    char *made;  /* malloc'd: the body of a listing */
    struct stat st;
    int64_t loaded_at_seconds;
    struct timespec folder_changed; /* the folder it lies in: tells of new siblings */
};

struct filecache {
    const struct site_config *config;
    struct docroot root;
    uint64_t root_checked_at_ms;
    uint64_t seed;
    struct file *files;      /* FILECACHE_COUNT slots, touched when first used */
    unsigned touched, hand;  /* slots below `touched` were in use once; the hand sweeps them */
    struct file *free;       /* through bucket_next */
    struct file unavailable; /* the answer when every slot is in use */
    struct pool blocks[FILECACHE_CLASSES];
    uint64_t block_bytes; /* lent */
    unsigned fd_count, fd_max;
    struct file *buckets[FILECACHE_BUCKETS];
};

/* A cache in memory of its own; NULL with *error = -errno when the root can't be opened or there is no memory.
   `config` must outlive it. */
struct filecache *filecache_open(const struct site_config *config, int *error);
void filecache_close(struct filecache *cache);

/* The file at `path` (decoded, without its leading slash), the caller's until filecache_put. Never NULL: an error is a
   file too. */
struct file *filecache_get(struct filecache *cache, const struct clock *clock, struct slice path);

/* The precompressed sibling of the file at `path`: FILE_BODY or FILE_FD; FILE_ERROR when it is gone or older than its
   file. */
struct file *filecache_variant(struct filecache *cache, const struct clock *clock, struct slice path,
                               enum content_coding coding);

/* A listing of the folder at `path`, rendered for this reply alone; or an error. Sets listing->follow. */
struct file *filecache_listing(struct filecache *cache, const struct clock *clock, struct slice path,
                               struct listing *listing);

void filecache_put(struct file *file);

/* Keeps at most `count` descriptors from now on. */
void filecache_limit_fds(struct filecache *cache, unsigned count);

/* Closes the descriptor of a file that no reply uses. False: there is none. */
bool filecache_release_fd(struct filecache *cache);

/* For the loader (file.c): a block for `size` bytes, room being made by dropping files that nobody uses; NULL when all
   are in use. Sets file->block and its class. */
char *filecache_block(struct filecache *cache, struct file *file, size_t size);

/* For the loader: whether one more descriptor may be kept, room being made likewise. */
bool filecache_fd_room(struct filecache *cache);

#endif
