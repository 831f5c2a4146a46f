/* Something to serve: a temporary folder, made once, and what is known to be in it. */
#ifndef ENGINE_SITE_H
#define ENGINE_SITE_H

#include "site/site_config.h"

#include <stddef.h>

enum { SITE_COUNT = 4, SITE_FILES_MAX = 24 };

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
    struct site_config configs[SITE_COUNT]; /* plain; listings and clean URLs; hosts and a single page; redirects */
};

/* Makes it. It is removed when the process exits. */
void engine_site_make(struct engine_site *site);

#endif
