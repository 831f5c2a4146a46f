/* What is served: the files and how to answer with them. One per worker. */
#ifndef SITE_H
#define SITE_H

#include "filecache.h"

struct site {
    struct filecache_config files;
    struct filecache *cache;
};

#endif
