/* What a request finds at a path. What isn't known is loaded: the answer then is the load that must be waited for. Does
   no I/O itself. What is known is believed for a second after it was last seen to be true. */
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
    uint64_t since_ms;   /* when the request came: what was seen to be true later is true enough for it */
    uint32_t since_look; /* cache->looks then: a large file must have been looked at later */
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

/* A made page, which nothing else needs to be known for. NULL as above. */
struct file *lookup_made(struct lookup *lookup, int page);

#endif
