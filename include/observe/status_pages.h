/* The status pages: what has been counted, as a page to look at, as JSON and as Prometheus reads it. They are made in
   place: all slots of 256 workers take half a millisecond, at most ten times a second in each worker (lookup_made). */
#ifndef STATUS_PAGES_H
#define STATUS_PAGES_H

#include "base/network.h"
#include "observe/counters.h"
#include "observe/events.h"
#include "observe/experiments.h"
#include "observe/phase.h"
#include "site/made.h"

#include <stdbool.h>
#include <sys/types.h>

/* Adds to `counts` what the worker's connections are doing. */
typedef void status_phases_fn(void *ctx, unsigned worker, uint64_t counts[PHASE_COUNT]);

struct status_pages {
    struct made made; /* first */
    const struct counters *counters;
    const struct event_rings *rings;       /* for the lab, which this machine alone may see; NULL: there is none */
    const struct experiments *experiments; /* likewise */
    struct network_list allow;             /* besides this machine */
    status_phases_fn *phases;
    void *ctx; /* for it */
    const char *version, *model;
    unsigned max_connections;
    pid_t pid;
    uint64_t started_ns; /* monotonic */
    int64_t started_at;  /* seconds since the epoch */
};

/* `path`: as status_pages_path_ok has it. The rest of *status, all of it but `made`, is the caller's to fill; it must
   outlive the site. */
void status_pages_open(struct status_pages *status, const char *path);

/* Whether the pages may stand there: "/name" or more of that, of letters, digits, '-', '_', '.' and '~', which mean the
   same in paths, in markup and in JSON; no segment "." or "..". */
bool status_pages_path_ok(const char *path);

/* For status_pages.c: what is made. */
void status_json_put(const struct status_pages *status, struct text *text);
void lab_json_put(const struct status_pages *status, const struct event_rings *rings, const char *model, pid_t pid,
                  struct text *text);
void status_metrics_put(const struct status_pages *status, struct text *text);

/* For these: what all workers have counted, loaders too (FIGURE_LOADS, FIGURE_BUSY), and their phases. */
struct status_sum {
    struct counter_slot slot;
    uint64_t phases[PHASE_COUNT];
};
void status_pages_add_worker(const struct status_pages *status, unsigned worker, struct status_sum *sum);
void status_pages_add_all(const struct status_pages *status, struct status_sum *sum);

/* The names of an enum's members, as JSON has them. */
extern const char *const status_method_names[METHODS];
extern const char *const status_phase_names[PHASE_COUNT];

/* Nanoseconds as seconds. */
void status_pages_put_seconds(struct text *text, uint64_t ns);

#endif
