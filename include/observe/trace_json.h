/* For trace.c: one event each in the Trace Event format. Those that say so are left open for args: trace_json_end ends
   them. */
#ifndef TRACE_JSON_H
#define TRACE_JSON_H

#include <stdint.h>
#include <stdio.h>

struct trace_json {
    FILE *file;
    int pid;
    uint64_t start_ns; /* time 0 */
};

/* What every event begins with; left open. */
void trace_json_begin(const struct trace_json *json, const char *phase, const char *name, unsigned track,
                      uint64_t at_ns);

/* A slice of a track; left open. */
void trace_json_slice(const struct trace_json *json, const char *name, unsigned track, uint64_t from_ns,
                      uint64_t to_ns);

/* An end ("b", "e") of an asynchronous span, or an instant ("n") in it; what identifies it are kind, id and number.
   Left open. */
void trace_json_span(const struct trace_json *json, const char *phase, const char *kind, const char *name,
                     unsigned track, uint64_t at_ns, uint64_t id, unsigned number);

static inline void trace_json_end(const struct trace_json *json) {
    putc('}', json->file);
}

/* A step ("s", "t", "f") of an arrow, in the slice that is there at that time. */
void trace_json_flow(const struct trace_json *json, const char *phase, unsigned track, uint64_t at_ns, uint64_t id);

/* The name with the number behind it. */
void trace_json_name_track(const struct trace_json *json, unsigned track, const char *name, unsigned number);
void trace_json_count(const struct trace_json *json, const char *name, uint64_t at_ns, uint64_t value);

#endif
