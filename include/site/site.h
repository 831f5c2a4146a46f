/* What is served: the files and how to answer with them. One per worker. */
#ifndef SITE_H
#define SITE_H

#include "site/filecache.h"
#include "site/route.h"
#include "site/site_config.h"

#include <stdatomic.h>

struct auth_load;
struct made;

struct site {
    const struct site_config *config;
    struct filecache *cache;
    const struct made *made;       /* NULL: none */
    struct auth_load *auth_checks; /* passwords being checked: auth_check's */
    const atomic_bool *leaving;    /* while it is true the health path answers 503 */
    struct route route;            /* of the request that is being answered: 20 KiB, too much for small stacks */
};

#endif
