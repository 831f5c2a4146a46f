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

enum load_effort load_effort(const struct load *load) {
    return load->lane == LANE_HASHES ? LOAD_COMPUTES : LOAD_WAITS;
}

void load_work(struct load *load) {
    if (!load->kind->work(load, LOAD_AT_HAND) && !load->kind->work(load, load_effort(load)))
        load->kind->work(load, LOAD_WAITS);
}

void load_done(struct load *load) {
    CHECK(load->state != LOAD_DONE);
    load->state = LOAD_DONE;
    load->kind->finish(load);
}
