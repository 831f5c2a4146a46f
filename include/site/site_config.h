/* What the user said about the content: read once, the same for all workers, never changed afterwards. Strings live as
   long as the process. */
#ifndef SITE_CONFIG_H
#define SITE_CONFIG_H

#include "base/bounds.h"
#include "base/slice.h"

#include <stdbool.h>

enum symlinks {
    SYMLINKS_INSIDE, /* followed while they stay beneath the root */
    SYMLINKS_ALL,
    SYMLINKS_NONE,
};

struct redirect {
    struct slice from; /* a path, without the trailing '*' */
    struct slice to;   /* a path or an absolute URL, without the trailing '*' */
    bool prefix;       /* `from` ended in '*': whatever follows it is kept, behind `to` if that ended in '*' too */
    bool keep_rest;
};

struct auth;
struct mime_map;

struct site_config {
    const char *root;
    const char *index[INDEX_MAX]; /* names tried in a folder, in order */
    int index_count;
    bool list, clean_urls, vhosts, dotfiles;
    enum symlinks symlinks;
    const char *not_found;              /* path beneath the root; NULL: 404.html if it is there */
    const char *spa;                    /* path beneath the root; NULL: off */
    struct slice health;                /* the path that says whether to send more here; empty: none */
    const char *cache_control;          /* the value; "": none is sent */
    struct slice fields;                /* of -H, --cors and --isolate, rendered: "Name: value\r\n" each */
    const char *cors[CORS_ORIGINS_MAX]; /* origins whose pages may read everything, with credentials */
    int cors_count;
    struct redirect redirects[REDIRECTS_MAX];
    int redirect_count;
    struct auth *auth;           /* NULL: everybody may read */
    const struct mime_map *mime; /* NULL: the built-in table alone */
    const char *default_type;    /* of what neither knows: at most MIME_TYPE_LEN_MAX; NULL: application/octet-stream */
};

#endif
