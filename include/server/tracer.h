/* Who writes --trace's file: a process of its own, so that nothing in the server waits for a disk, and a server that is
   killed leaves a whole file. It holds that file and the rings, and is confined like the server. */
#ifndef TRACER_H
#define TRACER_H

#include "observe/events.h"
#include "server/config.h"

struct tracer {
    int fd; /* -1: nobody is asked to */
};

/* To be called before the server is confined. `connections`: of all workers, at most. False after say(). */
bool tracer_open(struct tracer *tracer, const struct config *config, const struct event_rings *rings,
                 unsigned connections);

/* Everything has happened: waits for a moment until the file is whole. */
void tracer_close(struct tracer *tracer);

#endif
