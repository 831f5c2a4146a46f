#include "observe/trace_json.h"

static double stamp(const struct trace_json *json, uint64_t at_ns) {
    return at_ns > json->start_ns ? (double)(at_ns - json->start_ns) / 1000 : 0;
}

void trace_json_begin(const struct trace_json *json, const char *phase, const char *name, unsigned track,
                      uint64_t at_ns) {
    fprintf(json->file, ",\n{\"ph\":\"%s\",\"name\":\"%s\",\"pid\":%d,\"tid\":%u,\"ts\":%.3f", phase, name, json->pid,
            track, stamp(json, at_ns));
}

void trace_json_slice(const struct trace_json *json, const char *name, unsigned track, uint64_t from_ns,
                      uint64_t to_ns) {
    trace_json_begin(json, "X", name, track, from_ns);
    fprintf(json->file, ",\"dur\":%.3f", to_ns > from_ns ? (double)(to_ns - from_ns) / 1000 : 0);
}

void trace_json_span(const struct trace_json *json, const char *phase, const char *kind, const char *name,
                     unsigned track, uint64_t at_ns, uint64_t id, unsigned number) {
    trace_json_begin(json, phase, name, track, at_ns);
    fprintf(json->file, ",\"cat\":\"%s\",\"id\":\"%s%llu.%u\"", kind, kind, (unsigned long long)id, number);
}

void trace_json_flow(const struct trace_json *json, const char *phase, unsigned track, uint64_t at_ns, uint64_t id) {
    trace_json_begin(json, phase, "client", track, at_ns);
    fprintf(json->file, ",\"cat\":\"client\",\"id\":%llu%s}", (unsigned long long)id,
            *phase == 'f' ? ",\"bp\":\"e\"" : "");
}

void trace_json_name_track(const struct trace_json *json, unsigned track, const char *name, unsigned number) {
    trace_json_begin(json, "M", "thread_name", track, 0);
    fprintf(json->file, ",\"args\":{\"name\":\"%s%u\"}}", name, number);
    trace_json_begin(json, "M", "thread_sort_index", track, 0);
    fprintf(json->file, ",\"args\":{\"sort_index\":%u}}", track);
}

void trace_json_count(const struct trace_json *json, const char *name, uint64_t at_ns, uint64_t value) {
    trace_json_begin(json, "C", name, 0, at_ns);
    fprintf(json->file, ",\"args\":{\"value\":%llu}}", (unsigned long long)value);
}
