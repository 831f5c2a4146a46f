/* Events written as a file in the Trace Event format, for ui.perfetto.dev and chrome://tracing: a track for each
   worker, client and loader; system calls as slices on that of whoever makes them; on a client's what it waits for;
   connections, replies and what a ring is asked as asynchronous spans; arrows from accepting to the first service to
   closing. */
#ifndef TRACE_H
#define TRACE_H

#include "observe/events.h"

#include <stdio.h>

struct trace;

struct trace_about {
    const char *version, *model;
    int pid;
    unsigned clients; /* of each worker, at most */
};

/* Begins a file. NULL: no memory. */
struct trace *trace_open(FILE *file, const struct event_rings *rings, const struct trace_about *about);

/* Writes what has happened up to until_ns, in the order of time; so until_ns is a little ago, when all writers have
   written. Where much more has happened, the last of it: the rest is counted as lost. */
void trace_drain(struct trace *trace, uint64_t until_ns);

/* Ends it, so that it is valid JSON. The file is the caller's to close. */
void trace_close(struct trace *trace);

#endif
