#include "base/load.h"
#include "base/check.h"

#include <stddef.h>

void load_init(struct load *load, const struct load_kind *kind) {
    *load = (struct load){.kind = kind, .refs = 1, .state = LOAD_NEW};
}

void load_put(struct load *load) {
    CHECK(load->refs > 0);
    if (--load->refs == 0)
        load->kind->release(load);
}

void load_done(struct load *load) {
    CHECK(load->state != LOAD_DONE);
    load->state = LOAD_DONE;
    load->kind->finish(load);
}
