/* Loads of the cache: a file's or folder's state, a listing, a look at the root. */
#ifndef FILE_LOAD_H
#define FILE_LOAD_H

#include "site/filecache.h"
#include "site/listing.h"

struct made;

struct file_load {
    struct load load;
    struct filecache *cache;
    struct file_load *loading_next; /* in the cache's table of what is being loaded */
    uint32_t hash;                  /* of the key */
    uint64_t begun_ms;
    uint32_t look; /* its number: of cache->looks */

    /* For the work, and touched by nobody else until it is done. */
    struct find_place place;
    struct root *root;
    struct file *old;               /* what was known; NULL: nothing */
    struct file *file;              /* what is found */
    bool current;                   /* out: `old` is still true */
    bool by_reference;              /* out, with it: the file's */
    bool just_fd;                   /* `old` is believed by its name: only what is written into it need be seen */
    bool body_ok;                   /* there is memory for a small file's body */
    bool folder_known, folder_seen; /* `folder` is; by this load, not by one before */
    struct find_folder folder;
    uint64_t folder_hash; /* of the folder's path */
    int64_t now_seconds;
    struct listing listing;  /* with listing.follow set: a listing is asked for */
    const struct made *made; /* with `page`: a made page is */
    int page;
    size_t path_len; /* of key, without what makes it another's key */
    size_t key_len;
    char key[FILE_KEY_MAX + 1];
};

/* A new load of `key`, the caller's reference; it stands in cache->loading until it is done. NULL: there can't be more.
   `old` is what is known by that name. */
struct file_load *file_load_open(struct filecache *cache, const struct clock *clock, struct slice key, uint32_t hash,
                                 struct file *old);

/* Makes it one of a listing; the key's first `path_len` bytes are the folder's path. */
void file_load_list(struct file_load *load, const struct listing *listing, size_t path_len);

/* For the work of both. A block for head, key and `body_len` bytes, in this order: load->file's key and body. False: no
   memory. */
bool file_load_block(struct file_load *load, size_t head_len, size_t body_len);

/* For the work: *tag of a regular file that isn't kept in memory, and what load->file is to be sent from. False: it
   takes more effort or, after LOAD_WAITS, can't be read. */
bool file_load_describe(struct file_load *load, const struct stat *st, int fd, enum load_effort effort, uint64_t *tag);

/* load->file is an error, without a block but for its key. */
void file_load_fail(struct file_load *load, int status);

void file_load_finish(struct load *load);
void file_load_release(struct load *load);

/* A look at the root, the caller's reference. NULL: no memory. */
struct load *root_load_open(struct filecache *cache, const struct clock *clock);

#endif
