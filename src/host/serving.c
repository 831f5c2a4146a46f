#include "host/serving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct generation *generation_get(struct generation *generation) {
    atomic_fetch_add_explicit(&generation->refs, 1, memory_order_relaxed);
    return generation;
}

void generation_put(struct generation *generation) {
    if (atomic_fetch_sub_explicit(&generation->refs, 1, memory_order_acq_rel) == 1)
        generation->release(generation);
}

struct serving *serving_open(struct generation *generation, struct known *known, unsigned client_count,
                             unsigned file_fds, char *error, size_t error_size) {
    const struct site_config *config = &generation->settings->site;
    struct serving *serving = calloc(1, sizeof *serving);
    int cause = -ENOMEM;
    if (serving)
        serving->site.cache = filecache_open(config, known, client_count, &cause);
    if (!serving || !serving->site.cache) {
        free(serving);
        if (cause == -ENOMEM)
            snprintf(error, error_size,
                     "no address space for the cache of a worker: raise the limit (ulimit -v) or lower --workers");
        else
            snprintf(error, error_size, "--root %s: %s", config->root, strerror(-cause));
        return NULL;
    }
    serving->site.config = config;
    serving->generation = generation_get(generation);
    filecache_limit_fds(serving->site.cache, file_fds);
    return serving;
}

void serving_close(struct serving *serving) {
    filecache_close(serving->site.cache);
    generation_put(serving->generation);
    free(serving);
}

bool serving_is_over(struct serving *serving, bool *more) {
    bool abandoned = filecache_abandon(serving->site.cache, more);
    return abandoned && !serving->site.auth_checks;
}
