/* A folder's listing, as an HTML page or as JSON in the fields of nginx's autoindex with each entry's address besides.
   Knows nothing of requests and replies, and has no state of its own: any thread may make one. */
#ifndef LISTING_H
#define LISTING_H

#include "base/slice.h"
#include "site/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* What one listing may take, in memory and of a client's patience: with names as people give them some 60 MiB while
       it is gathered, and 200 MiB of page. Nobody reads more, and whoever can add files could fill the memory. */
    LISTING_ENTRIES_MAX = 1000000,
    /* Of text, in bytes: a million entries with such names, or 100,000 with the longest. */
    LISTING_LEN_MAX = 256 << 20,
};

enum listing_sort { LISTING_BY_NAME, LISTING_BY_SIZE, LISTING_BY_TIME };

struct stat;

/* What the symbolic link `name` in the folder leads to: 0 and *st, or -errno, and the link isn't listed. */
typedef int listing_follow(void *context, const char *name, struct stat *st);

struct listing {
    struct slice path; /* decoded, as the client sees it but for the leading slash: "" or ends in '/' */
    bool json;
    enum listing_sort sort;
    bool descending; /* folders come first either way */
    bool dotfiles;
    /* Only who knows the root can tell a link that leaves it. NULL: links are followed wherever they lead. */
    listing_follow *follow;
    void *follow_context;
};

/* Reads C and O (as in Apache's listings and in ours: "?C=S;O=D"), sort and order, which say the same in words, and
   format, from a query such as "?sort=size&order=desc&format=json"; what it doesn't know it leaves alone. */
void listing_read_query(struct listing *listing, struct slice query);

struct listing_text {
    char *at; /* malloc'd; the caller frees it */
    size_t len;
};

/* Makes the listing of the folder open (for reading) at `folder_fd`: the regular files and folders in it, read from its
   beginning. A page beyond the bounds says that it was cut; JSON, in which nothing could say so, is refused. Blocks,
   and takes the heap; little stack. 0 and *text; or -errno: what reading the folder gave, -ENOMEM, -EFBIG. */
int listing_make(const struct listing *listing, int folder_fd, struct listing_text *text);

/* ---- The two halves of it: gathering (listing.c) and rendering (listing_render.c) */

struct listing_entry {
    size_t name_at; /* in the names */
    uint16_t name_len;
    bool folder;
    int64_t size;
    int64_t mtime; /* seconds since the epoch */
};

/* What a folder holds, in order. */
struct listing_entries {
    struct listing_entry *at;
    size_t count, space;
    struct text names; /* one behind the other */
    bool cut;          /* the folder holds more */
};

/* Gathers at most `entries_max` and sorts them. 0, or -errno; to be dropped either way. */
int listing_gather(const struct listing *listing, int folder_fd, size_t entries_max, struct listing_entries *entries);
void listing_drop(struct listing_entries *entries);

/* As listing_make, with rows up to `len_max` bytes. */
int listing_render(const struct listing *listing, const struct listing_entries *entries, size_t len_max,
                   struct listing_text *out);

#endif
