#define _GNU_SOURCE
#include "server/watched.h"
#include "base/say.h"
#include "host/worker.h"
#include "observe/experiments.h"
#include "server/lab_runner.h"
#include "server/lab_server.h"

#include <time.h>
#include <unistd.h>

static void watched_phases(void *ctx, unsigned worker, uint64_t counts[PHASE_COUNT]) {
    const struct worker *workers = ctx;
    clients_phases(&workers[worker].clients, counts);
}

static unsigned children_of(unsigned connections) {
    return connections < CHILDREN_MAX ? connections : CHILDREN_MAX;
}

/* What notes events, and who writes them down. */
static bool watched_open_events(struct watched *watched, const struct config *config, unsigned connections) {
    int fd = lab_server_rings_fd();
    if (fd < 0 && !config->trace_path && !config->lab)
        return true;
    struct event_rings *rings =
        fd >= 0 ? experiments_rings_open(fd)
                : event_rings_open((unsigned)config->settings.workers, children_of(connections), -1);
    if (!rings) {
        say("no address space for events: raise the limit (ulimit -v) or lower --workers");
        return false;
    }
    watched->observed.rings = rings;
    return !config->trace_path || tracer_open(&watched->tracer, config, rings, connections);
}

static bool watched_open_experiments(struct watched *watched, const struct config *config) {
    if (!config->lab)
        return true;
    watched->experiments = experiments_open();
    if (!watched->experiments) {
        say("no address space or no descriptors for --lab: raise the limit (ulimit -v, ulimit -n)");
        return false;
    }
    return lab_runner_open(watched->experiments, config);
}

bool watched_open(struct watched *watched, struct config *config, struct worker *workers, unsigned connections) {
    struct status_pages *status = &watched->status;
    *watched = (struct watched){.tracer.fd = -1};
    if (!watched_open_events(watched, config, connections) || !watched_open_experiments(watched, config))
        return false;
    if (!config->status_path)
        return true;
    watched->observed.counters = counters_open((unsigned)config->settings.workers, children_of(connections));
    if (!watched->observed.counters) {
        say("no address space for --status: raise the limit (ulimit -v) or lower --workers");
        return false;
    }
    status->counters = watched->observed.counters;
    status->rings = config->lab ? watched->observed.rings : NULL;
    status->experiments = watched->experiments;
    status->phases = watched_phases;
    status->ctx = workers;
    status->version = HTTPD_VERSION;
    status->model = config->settings.backend->name;
    status->max_connections = connections;
    status->pid = getpid();
    status->started_ns = clock_fine_ns();
    status->started_at = time(NULL);
    watched_renew(watched, config, status);
    return true;
}

void watched_renew(const struct watched *watched, struct config *config, struct status_pages *status) {
    unsigned connections = config->settings.limits.max_connections;
    if (!config->status_path || !watched->observed.counters)
        return;
    *status = watched->status;
    status_pages_open(status, config->status_path);
    status->allow = config->status_allow;
    if (status->max_connections > connections)
        status->max_connections = connections;
    config->settings.made = &status->made;
}

void watched_close(struct watched *watched) {
    tracer_close(&watched->tracer);
    lab_runner_close(watched->experiments);
    experiments_close(watched->experiments);
    counters_close(watched->observed.counters);
    event_rings_close(watched->observed.rings);
}
