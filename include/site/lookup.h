/* What a request finds at a path: a file in the cache; or, if that must be loaded (it isn't known, or wasn't looked at
   for a second), the load to wait for. Does no I/O itself. */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "site/filecache.h"
#include "site/listing.h"

struct made;

/* A request that looks things up. Every look-up of one request uses the same. */
struct lookup {
    struct filecache *cache;
    const struct made *made; /* NULL: none */
    const struct clock *clock;
    uint64_t since_ms;   /* when the request came: what was seen to be true after that is believed */
    uint32_t since_look; /* cache->looks at that time: a large file must have been looked at after that, and the
                            root before it is said that nothing is there */
    struct load *got;    /* the load that it has waited for and that is done; NULL: none */
    struct load *wants;  /* out: what it has to wait for, a reference */
};

/* The file at `path` (decoded, without its leading slash), the caller's until filecache_put; an error is a file too.
   NULL: lookup->wants is to be waited for. */
struct file *lookup_file(struct lookup *lookup, struct slice path);

/* The precompressed sibling of the file at `path`: FILE_BODY or FILE_FD; FILE_ERROR when it is gone or older than its
   file. NULL as above. */
struct file *lookup_variant(struct lookup *lookup, struct slice path, enum content_coding coding);

/* The listing of the folder at `path`; or an error. NULL as above. */
struct file *lookup_listing(struct lookup *lookup, const struct listing *listing, struct slice path);

/* A made page (made.h), by its number there. NULL as above. */
struct file *lookup_made(struct lookup *lookup, int page);

#endif
