/* Something to serve: a temporary folder, made once, and what is known to be in it. */
#ifndef ENGINE_SITE_H
#define ENGINE_SITE_H

#include "site/made.h"
#include "site/site_config.h"

#include <stddef.h>

enum { SITE_COUNT = 8, SITE_FILES_MAX = 32 };

struct site_file {
    const char *name;
    char *content;
    size_t len;
    char etag[64]; /* as the server shows it; learnt by whoever asks for the file first */
};

struct engine_site {
    char root[64];
    struct site_file files[SITE_FILES_MAX];
    int file_count;
    /* Plain; listings and clean URLs; hosts and a single page; redirects; all at its most, with listings; pages that
       are made, a health path and --cors; hosts, clean URLs and listings at their most; a single page at its most. */
    struct site_config configs[SITE_COUNT];
    const struct made *made[SITE_COUNT]; /* NULL: none */
};

/* Makes it. It is removed when the process exits. */
void engine_site_make(struct engine_site *site);

/* Writes a request for the file, with an escape for each byte. */
struct slice engine_site_ask(const struct site_file *file, char *request, size_t size);

/* Whether the path of a target is nothing but the name of a file, on a site where that leads to the file and
   nowhere else. NULL: it isn't. */
const struct site_file *engine_site_named(const struct engine_site *site, int which, struct slice path);

#endif
