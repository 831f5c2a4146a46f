#define _GNU_SOURCE
#include "server/watched.h"
#include "base/say.h"
#include "host/worker.h"

#include <time.h>
#include <unistd.h>

static void watched_phases(void *ctx, unsigned worker, uint64_t counts[PHASE_COUNT]) {
    const struct worker *workers = ctx;
    clients_phases(&workers[worker].clients, counts);
}

bool watched_open(struct watched *watched, const struct config *config, struct worker *workers, unsigned connections) {
    struct status_pages *status = &watched->status;
    *watched = (struct watched){0};
    if (!config->status_path)
        return true;
    unsigned children = connections < CHILDREN_MAX ? connections : CHILDREN_MAX;
    watched->observed.counters = counters_open((unsigned)config->settings.workers, children);
    if (!watched->observed.counters) {
        say("no address space for --status: raise the limit (ulimit -v) or lower --workers");
        return false;
    }
    status_pages_open(status, config->status_path);
    status->counters = watched->observed.counters;
    status->allow = config->status_allow;
    status->phases = watched_phases;
    status->ctx = workers;
    status->version = HTTPD_VERSION;
    status->model = config->settings.backend->name;
    status->max_connections = connections;
    status->pid = getpid();
    status->started_ns = clock_fine_ns();
    status->started_at = time(NULL);
    watched->made = &status->made;
    return true;
}

void watched_close(struct watched *watched) {
    counters_close(watched->observed.counters);
}
