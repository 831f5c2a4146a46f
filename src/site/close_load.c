#include "site/close_load.h"
#include "base/calls.h"

#include <stdlib.h>

struct close_load {
    struct load load;
    int fd;
};

static bool close_work(struct load *base, enum load_effort effort) {
    if (effort == LOAD_WAITS)
        calls_close(((struct close_load *)base)->fd);
    return effort == LOAD_WAITS;
}

static void close_finish(struct load *base) {
    (void)base;
}

static void close_release(struct load *base) {
    free(base);
}

static const struct load_kind close_kind = {close_work, close_finish, close_release};

struct load *close_load_open(const struct outq_source *source) {
    struct close_load *load = malloc(sizeof *load);
    if (!load)
        return NULL;
    load_init(&load->load, &close_kind);
    load->load.subtree = source->subtree;
    load->fd = source->fd;
    return &load->load;
}
