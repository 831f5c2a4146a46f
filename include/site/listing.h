/* A folder's listing, as an HTML page or as JSON in the fields of nginx's autoindex. Bounded by the memory it is given:
   a huge folder's listing says that it was cut. Knows nothing of requests and replies, and takes no heap. */
#ifndef LISTING_H
#define LISTING_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    /* Room in `out` for a page without rows, whatever the path: most bytes of a path can become six, twice. */
    LISTING_OUT_LEAST = 64 * 1024,
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

/* Reads sort, order and format from a query such as "?sort=size&order=desc&format=json", and C and O as Apache's
   listings have them; what it doesn't know it leaves alone. */
void listing_read_query(struct listing *listing, struct slice query);

/* Renders the listing of the folder open (for reading) at `folder_fd` into `out`: the regular files and folders in it,
   read from its beginning. `work` is memory to gather and sort in: 32 bytes and its name for each of them. Where either
   memory ends, so does the listing, after a whole row and with everything closed. Returns the length; or -errno when
   the folder can't be read; -ENOBUFS when `out` doesn't hold even the page without rows (LISTING_OUT_LEAST does). Uses
   40 KiB of stack. */
ssize_t listing_render(const struct listing *listing, int folder_fd, char *work, size_t work_size, char *out,
                       size_t out_size);

struct listing_text {
    char *at; /* from the heap */
    size_t len;
};

/* Renders the listing of the folder open (for reading) at `folder_fd`. 0, or -errno. */
int listing_make(const struct listing *listing, int folder_fd, struct listing_text *text);

/* For the renderer (listing_render.c): what a folder holds, in order. It lives in the work memory. */
struct listing_entry {
    const char *name; /* not terminated */
    uint16_t name_len;
    bool folder;
    int64_t size;
    int64_t mtime; /* seconds since the epoch */
};

struct listing_entries {
    struct listing_entry *at;
    size_t count;
    bool cut; /* the folder holds more than the work memory did */
};

/* Gathers and sorts. 0, or -errno. */
int listing_gather(const struct listing *listing, int folder_fd, char *work, size_t work_size,
                   struct listing_entries *entries);

#endif
