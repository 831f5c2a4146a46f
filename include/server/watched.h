/* What the server is watched with, as the user asked for it. */
#ifndef WATCHED_H
#define WATCHED_H

#include "observe/observer.h"
#include "observe/status_pages.h"
#include "server/config.h"
#include "server/tracer.h"

struct worker;

struct watched {
    struct observed observed;
    struct tracer tracer;
    struct status_pages status;
    const struct made *made; /* for the site; NULL: no status was asked for */
};

/* Before the workers are opened: they may then have `connections` clients in all. False after say(). */
bool watched_open(struct watched *watched, const struct config *config, struct worker *workers, unsigned connections);
void watched_close(struct watched *watched);

#endif
