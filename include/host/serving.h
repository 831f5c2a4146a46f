/* What a worker serves, and how: the site that one configuration makes, and that configuration. Each worker has its
   own. It is replaced as a whole when another configuration has been read, and goes when the last reply from it has
   left: so a reply ends as it began. */
#ifndef SERVING_H
#define SERVING_H

#include "host/settings.h"
#include "site/site.h"

#include <stdatomic.h>
#include <stddef.h>

/* A configuration that has been read. Counted: it goes when no worker serves it any more. */
struct generation {
    const struct settings *settings;
    atomic_uint refs;
    void (*release)(struct generation *generation); /* nobody refers to it any more: called once, in any thread */
};

/* From any thread. */
struct generation *generation_get(struct generation *generation);
void generation_put(struct generation *generation);

struct serving {
    struct site site;
    struct generation *generation; /* a reference */
    struct serving *next;          /* in the list of those that were replaced */
};

/* For a worker with at most `client_count` clients; its cache keeps at most `file_fds` descriptors of files. Takes a
   reference to `generation`. May wait for a disk. NULL, with one line in `error`, when the root can't be opened or
   there is no memory. */
struct serving *serving_open(struct generation *generation, struct known *known, unsigned client_count,
                             unsigned file_fds, char *error, size_t error_size);
void serving_close(struct serving *serving);

/* Whether one that was replaced may be closed: no reply and no load needs it any more. To be asked again and again
   until it is true, as each time it frees some of what it can; *more: there is more to free at once. */
bool serving_is_over(struct serving *serving, bool *more);

#endif
