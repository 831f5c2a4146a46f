/* Files as replies need them, by their path: what is known, and room for it. One per worker, so without locks. How it
   is looked up, and what happens when it isn't here, is lookup.h's.

   Memory, descriptors and names of what isn't there are bounded apart, so that a flood of one doesn't push out the
   others; and what is asked for again and again stays while a crawl passes through. */
#ifndef FILECACHE_H
#define FILECACHE_H

#include "base/clock.h"
#include "base/load.h"
#include "base/pool.h"
#include "site/file.h"
#include "site/find.h"
#include "site/site_counts.h"

enum {
    FILECACHE_COUNT = 16384,  /* small files and folders known at a time: a large site whole */
    FILECACHE_MISSING = 1024, /* names of what isn't there: icons and maps that pages ask for in vain */
    FILECACHE_BUCKETS = 16384,
    FILECACHE_BYTES = 64 << 20,       /* bodies and heads of small files, those that replies hold on to included */
    FILECACHE_BODIES = 256,           /* that are being read into memory, at most: these come on top of that */
    FILECACHE_MADE_BYTES = 256 << 20, /* listings that are too large for that: some ten of 100,000 entries */
    /* A file up to here is kept in memory and sent from there; above, sending it by reference is cheaper, and the
       client finds the bytes in the processor's caches. Measured with 48 KiB: 7.5 us by reference and 117,000 requests
       a second, 9.7 and 96,000 by copying; with 16 KiB the loops don't care, and in thread the locks between the calls
       do. */
    FILECACHE_BODY_MAX = 32 * 1024,
    /* A large file that nobody has asked for this long is closed: one that was deleted takes up the disk until then,
       and a file system can't be unmounted. */
    FILECACHE_UNASKED_MS = 10 * 1000,
    FILECACHE_TRUST_MS = 950, /* an entry is believed this long: a second, less the coarse clock's tick */
    FILECACHE_NOTES = 256,    /* folders whose siblings are known without a look */
    FILECACHE_USED_MOST = 3,  /* sweeps that an entry may survive without being asked for */
    FILECACHE_LOADING = 256,  /* buckets of what is being loaded */
};

/* Entries that compete for one bounded thing. Which goes is decided by a hand that sweeps them and spares those that
   were asked for since it last came by (CLOCK): unlike a list in order of use, a hit writes nothing but a counter in
   the entry that it has just read. */
struct shelf {
    struct file **at;
    unsigned count, hand;
    unsigned limit, space; /* how many it should hold, and can */
};

enum { SHELF_SMALL, SHELF_LARGE, SHELF_MISSING, SHELF_COUNT };

/* What is known of a folder, and since when. */
struct folder_note {
    uint64_t path_hash;
    uint64_t checked_at_ms;
    struct find_folder folder;
};

/* A root, counted by the loads that look beneath it: a deploy may move it meanwhile. */
struct root {
    struct docroot docroot;
    unsigned refs;
};

struct file_load;
struct root_load;

struct filecache {
    /* What every look-up reads. */
    struct find_place place; /* its root is `root`'s, now */
    struct root *root;
    uint64_t root_checked_at_ms;
    bool root_gone;
    uint64_t seed;
    struct site_counts *counts, own_counts; /* the former are the latter, unless somebody else has them */
    uint32_t looks;                         /* loads of files and of the root begun so far: each has a number */
    uint32_t root_look;                     /* that of the last one of the root that is done */

    /* Entries: slots, found by their keys in `buckets`, and bounded by the shelves that they stand on. */
    struct file *files;      /* slots, touched when first used */
    unsigned slot_count;     /* enough for what shelves and replies may hold */
    unsigned touched;        /* slots below were in use once */
    unsigned used;           /* slots in use */
    struct file *free;       /* through bucket_next */
    struct file unavailable; /* the answer where there is nothing to answer from */
    struct shelf shelves[SHELF_COUNT];
    struct file **places; /* of all shelves */
    unsigned unasked_at;  /* how far filecache_close_unasked has come */
    int fds_above;        /* where there is room, descriptors of large files are no lower */
    uint64_t bytes, made_bytes, max_bytes, max_made_bytes;

    /* Loads. */
    struct pool loads; /* struct file_load, and others that are no larger */
    unsigned loads_used;
    unsigned bodies;                                  /* loads that may read one into memory */
    struct root_load *root_load;                      /* under way; NULL: none */
    bool (*detach)(void *context, struct load *load); /* see filecache_detach_to */
    void *detach_context;
    struct file_load *loading[FILECACHE_LOADING];
    struct folder_note notes[FILECACHE_NOTES];

    struct file *buckets[FILECACHE_BUCKETS];
};

/* A cache for at most `user_count` replies at a time, in memory of its own; NULL with *error = -errno when the root
   can't be opened or there is no memory. `config` and `known` must outlive it. */
struct filecache *filecache_open(const struct site_config *config, struct known *known, unsigned user_count,
                                 int *error);
void filecache_close(struct filecache *cache);

/* Loads whose result nobody waits for, and that the cache's thread shouldn't wait for either, are given to `detach`
   from now on: it takes the reference, or says false. */
void filecache_detach_to(struct filecache *cache, bool (*detach)(void *context, struct load *load), void *context);

/* Takes the place of another cache from now on: a request that was asking that one may go on asking this. */
void filecache_follow(struct filecache *cache, const struct filecache *before);

/* No request asks this one any more: forgets what it knows, so much at a time as a loop has the time for, and gives
   back what only loads need when there are none. To be called until it is true: no reply, no load needs it, and it may
   be closed. `*more`: there was more to forget. */
bool filecache_abandon(struct filecache *cache, bool *more);

static inline struct file *filecache_ref(struct file *file) {
    file->refs++;
    return file;
}
void filecache_put(struct file *file);

/* Keeps at most `count` descriptors of large files from now on. */
void filecache_limit_fds(struct filecache *cache, unsigned count);

/* Keeps at most so many bytes of files in memory from now on, in place of FILECACHE_BYTES; and of listings besides the
   newest, in place of FILECACHE_MADE_BYTES. */
void filecache_limit_bytes(struct filecache *cache, uint64_t bytes);

/* What a cache like this takes at most, but for FILECACHE_MADE_BYTES and for what replies hold on to. */
uint64_t filecache_memory(const struct filecache *cache);

/* From now on, keeps files open by descriptors of `first` and more, as long as there are any: filecache_raise_fd moves
   what a load has opened. */
void filecache_fds_above(struct filecache *cache, int first);
void filecache_raise_fd(const struct filecache *cache, struct file *file);

/* Closes the descriptor of a large file that no reply uses. False: there is none. */
bool filecache_release_fd(struct filecache *cache);

/* Closes large files that nobody has asked for of late. Looks at some; false: there are more to look at just now. */
bool filecache_close_unasked(struct filecache *cache, uint64_t now_ms);

static inline bool filecache_keeps_open(const struct filecache *cache) {
    return cache->shelves[SHELF_LARGE].count > 0;
}

/* For look-ups (lookup.c): the entry of that key, fresh or not; NULL: none. */
struct file *filecache_entry(const struct filecache *cache, struct slice key, uint32_t hash);

static inline bool filecache_key_is(const char *key, size_t key_len, struct slice is) {
    return key_len == is.len && memcmp(key, is.at, is.len) == 0;
}

/* For loads (file_load.c). */

/* Room for a load: NULL, there can't be more. */
void *filecache_take_load(struct filecache *cache);
void filecache_drop_load(struct filecache *cache, void *load);

/* A load's slot, to be filled; refs is 1. */
struct file *filecache_slot(struct filecache *cache);

/* Whether a load may read a small file into memory: room being made by dropping what no reply uses. If so it is counted
   until it says that it has ended. */
bool filecache_take_body(struct filecache *cache);
void filecache_drop_body(struct filecache *cache);

/* What was loaded takes the place of what was known by that key; or isn't kept (an error of ours, no room). */
void filecache_publish(struct filecache *cache, struct file *file, struct file *old);

/* The root is another now: what was found in the old one is void. */
void filecache_move_root(struct filecache *cache, const struct docroot *fresh);

struct root *root_get(struct root *root);
void root_put(struct root *root);

#endif
