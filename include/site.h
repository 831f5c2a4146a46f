/* What is served: the files and how to answer with them. One per worker. */
#ifndef SITE_H
#define SITE_H

#include "filecache.h"
#include "site_config.h"

struct site {
    const struct site_config *config;
    struct filecache *cache;
};

#endif
