/* A folder's listing, as an HTML page or as JSON in the fields of nginx's autoindex. Bounded: a huge folder's listing
   says that it was cut. */
#ifndef LISTING_H
#define LISTING_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum listing_sort { LISTING_BY_NAME, LISTING_BY_SIZE, LISTING_BY_TIME };

struct listing {
    struct slice path; /* decoded, relative to the root: "" or ends in '/' */
    bool json;
    enum listing_sort sort;
    bool descending;
    bool dotfiles;
};

/* Reads sort, order and format from a query such as "?sort=size&order=desc&format=json"; what it doesn't know it
   leaves alone. */
void listing_read_query(struct listing *listing, struct slice query);

/* Renders the listing of the folder open (for reading) at `folder_fd` into `out`. `work` is memory to gather and sort
   the names in. Returns the length, or -errno when the folder can't be read. */
ssize_t listing_render(const struct listing *listing, int folder_fd, char *work, size_t work_size, char *out,
                       size_t out_size);

#endif
