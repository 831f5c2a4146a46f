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
    struct experiments *experiments; /* NULL: no lab was asked for */
    struct status_pages status;
};

/* Before the workers are opened: they may then have `connections` clients in all. Completes the settings. False after
   say(). */
bool watched_open(struct watched *watched, struct config *config, struct worker *workers, unsigned connections);

/* For a config that was read again: its pages, if there is anything to be shown, which must stay as long as the
   config. */
void watched_renew(const struct watched *watched, struct config *config, struct status_pages *status);
void watched_close(struct watched *watched);

#endif
