/* What spans time is written when it ends, as one complete event, so begin and end can't miss each other; but for what
   overlaps on a track (connections, replies, what is in a ring): these are pairs, and each that was begun is ended, at
   the latest by trace_close. Where events were lost, what was under way there is forgotten or ended. */
#define _GNU_SOURCE
#include "observe/trace.h"
#include "base/bounds.h"
#include "base/clock.h"
#include "engine/watch.h"
#include "observe/trace_json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SHARE = 8192, /* events of one ring written at a time: some milliseconds of work */
    TRACK_WORKER = 1,
    TRACK_LOADER = 1000,
    TRACK_CLIENT = 2000000, /* more than any table has clients */
    CLOSED_NS = 1000,       /* so long is drawn that one was closed */
};

struct seen_call {
    uint64_t since_ns; /* 0: none is under way */
    uint8_t call;
};

struct seen_client {
    uint64_t id; /* of its connection; 0: there is none */
    uint64_t runs_ns, wants_ns, load_ns;
    uint64_t accept_ns;        /* not served since */
    uint32_t replies, replied; /* begun, ended */
    struct seen_call call;
    int32_t fd;
    uint8_t wants, in_ring; /* bits by call */
    bool named, arrow;      /* from its accept */
};

struct taken {
    struct event event;
    uint32_t order, source; /* worker, or workers + loader */
};

struct trace {
    struct trace_json json;
    const struct event_rings *rings;
    struct trace_about about;
    uint64_t lost, ids;
    uint64_t open, sent;          /* connections; bytes */
    struct event_cursor *cursors; /* loaders', then each worker's and its children's */
    struct seen_client *clients;
    size_t clients_len;
    unsigned touched[WORKERS_MAX];
    struct seen_call calls[WORKERS_MAX], loader_calls[LOADERS_MOST];
    uint64_t accept_ns[WORKERS_MAX], loads_ns[LOADERS_MOST];
    bool lost_there[WORKERS_MAX + LOADERS_MOST], loader_named[LOADERS_MOST];
    struct taken *taken;
    size_t taken_count, taken_max;
};

/* ---- Clients */

static const char *const want_names[] = {
    [EVENT_WANTS_READ] = "waits to receive", [EVENT_WANTS_WRITE] = "waits to send",
    [EVENT_WANTS_LOAD] = "parked on a load", [EVENT_WANTS_TURN] = "waits for its turn",
    [EVENT_WANTS_NOTHING] = "leaves",
};

static unsigned client_track(unsigned worker, uint32_t index) {
    return (worker + 1) * TRACK_CLIENT + index;
}

static struct seen_client *client_at(const struct trace *trace, unsigned worker, uint32_t index) {
    return &trace->clients[(size_t)worker * trace->about.clients + index];
}

/* Whatever is under way for it isn't followed any more. */
static void client_forget(const struct trace *trace, struct seen_client *client, unsigned track, uint64_t at_ns) {
    while (client->replied < client->replies) {
        trace_json_span(&trace->json, "e", "reply", "reply", track, at_ns, client->id, client->replied++);
        trace_json_end(&trace->json);
    }
    for (unsigned call = 0; call < 8; call++)
        if (client->in_ring >> call & 1) {
            trace_json_span(&trace->json, "e", "ring", event_call_names[call], track, at_ns, client->id, call);
            trace_json_end(&trace->json);
        }
    client->in_ring = 0;
    client->runs_ns = client->wants_ns = client->load_ns = client->call.since_ns = client->accept_ns = 0;
}

static void client_close(struct trace *trace, struct seen_client *client, unsigned track, uint64_t at_ns,
                         const char *why) {
    if (client->id == 0)
        return;
    client_forget(trace, client, track, at_ns);
    trace_json_slice(&trace->json, "closed", track, at_ns, at_ns + CLOSED_NS);
    fprintf(trace->json.file, ",\"args\":{\"why\":\"%s\"}}", why);
    if (client->arrow)
        trace_json_flow(&trace->json, "f", track, at_ns, client->id);
    trace_json_span(&trace->json, "e", "connection", "connection", track, at_ns, client->id, 0);
    trace_json_end(&trace->json);
    client->id = 0;
    trace->open--;
}

/* Of a connection whose beginning was not seen it begins here. */
static void client_open(struct trace *trace, struct seen_client *client, unsigned worker, const struct event *event) {
    unsigned track = client_track(worker, event->client);
    char name[32] = "client ";
    if (trace->rings->workers > 1) /* each has a client 0 */
        snprintf(name, sizeof name, "client %u.", worker);
    if (!client->named)
        trace_json_name_track(&trace->json, track, name, event->client);
    *client = (struct seen_client){.id = ++trace->ids, .fd = event->fd, .named = true};
    trace->open++;
    trace_json_span(&trace->json, "b", "connection", "connection", track, event->at_ns, client->id, 0);
    fprintf(trace->json.file, ",\"args\":{\"fd\":%d}}", event->fd);
    if (event->kind != EVENT_ACCEPTED || !trace->accept_ns[worker])
        return;
    trace_json_flow(&trace->json, "s", TRACK_WORKER + worker, trace->accept_ns[worker], client->id);
    client->accept_ns = event->at_ns;
    client->arrow = true;
}

static void client_runs(struct seen_client *client, const struct trace *trace, unsigned track, uint64_t at_ns) {
    if (client->wants_ns) {
        trace_json_slice(&trace->json, want_names[client->wants], track, client->wants_ns, at_ns);
        trace_json_end(&trace->json);
    }
    client->wants_ns = 0;
    client->runs_ns = at_ns;
}

static void client_wants(struct seen_client *client, const struct trace *trace, unsigned track,
                         const struct event *event) {
    if (client->runs_ns) {
        trace_json_slice(&trace->json, "served", track, client->runs_ns, event->at_ns);
        trace_json_end(&trace->json);
        if (client->accept_ns)
            trace_json_flow(&trace->json, "t", track, client->runs_ns, client->id);
        client->accept_ns = 0;
    }
    client->runs_ns = 0;
    client->wants_ns = event->what == EVENT_WANTS_NOTHING ? 0 : event->at_ns;
    client->wants = event->what;
}

static void client_ring(struct seen_client *client, const struct trace *trace, unsigned track,
                        const struct event *event) {
    uint8_t bit = (uint8_t)(1u << event->what);
    const char *name = event_call_names[event->what];
    bool submitted = event->kind == EVENT_SUBMITTED;
    if (submitted == (bool)(client->in_ring & bit)) {
        if (submitted || event->what == CALL_SEND)
            return;
    }
    /* One receive completes for each piece that comes. */
    bool goes_on = !submitted && event->what == CALL_RECV && event->value > 0 && (client->in_ring & bit);
    if (!submitted && !(client->in_ring & bit))
        return;
    const char *phase = submitted ? "b" : goes_on ? "n" : "e";
    trace_json_span(&trace->json, phase, "ring", name, track, event->at_ns, client->id, event->what);
    if (!submitted)
        fprintf(trace->json.file, ",\"args\":{\"result\":%lld}", (long long)event->value);
    trace_json_end(&trace->json);
    if (submitted)
        client->in_ring |= bit;
    else if (!goes_on)
        client->in_ring &= (uint8_t)~bit;
}

/* ---- Events */

static void call_end(const struct trace *trace, struct seen_call *seen, unsigned track, const struct event *event) {
    if (seen->since_ns && seen->call == event->what) {
        trace_json_slice(&trace->json, event_call_names[event->what], track, seen->since_ns, event->at_ns);
        fprintf(trace->json.file, ",\"args\":{\"result\":%lld", (long long)event->value);
        if (event->fd >= 0)
            fprintf(trace->json.file, ",\"fd\":%d", event->fd);
        fputs("}}", trace->json.file);
    }
    seen->since_ns = 0;
}

static void client_event(struct trace *trace, unsigned worker, const struct event *event) {
    struct seen_client *client = client_at(trace, worker, event->client);
    unsigned own = client_track(worker, event->client);
    unsigned track = event->apart ? own : TRACK_WORKER + worker;
    struct seen_call *call = event->apart ? &client->call : &trace->calls[worker];
    if (event->client >= trace->touched[worker])
        trace->touched[worker] = event->client + 1;
    if (event->kind == EVENT_ACCEPTED)
        client_close(trace, client, own, event->at_ns - CLOSED_NS, "not seen");
    if (client->id == 0) {
        if (event->kind == EVENT_CLOSED)
            return;
        client_open(trace, client, worker, event);
    }
    switch ((enum event_kind)event->kind) {
    case EVENT_CALL:
        *call = (struct seen_call){event->at_ns, event->what};
        break;
    case EVENT_RETURNED:
        call_end(trace, call, track, event);
        break;
    case EVENT_SUBMITTED:
    case EVENT_COMPLETED:
        client_ring(client, trace, own, event);
        break;
    case EVENT_RUNS:
        client_runs(client, trace, own, event->at_ns);
        break;
    case EVENT_WANTS:
        client_wants(client, trace, own, event);
        break;
    case EVENT_REPLY:
        trace_json_span(&trace->json, "b", "reply", "reply", own, event->at_ns, client->id, client->replies++);
        fprintf(trace->json.file, ",\"args\":{\"status\":%d,\"bytes\":%lld}}", event->fd, (long long)event->value);
        break;
    case EVENT_REPLIED:
        trace->sent += (uint64_t)event->value;
        if (client->replied == client->replies)
            break;
        trace_json_span(&trace->json, "e", "reply", "reply", own, event->at_ns, client->id, client->replied++);
        fprintf(trace->json.file, ",\"args\":{\"sent\":%lld}}", (long long)event->value);
        break;
    case EVENT_LOAD:
        client->load_ns = event->at_ns;
        break;
    case EVENT_LOADED:
        if (client->load_ns) {
            trace_json_slice(&trace->json, "load", track, client->load_ns, event->at_ns);
            trace_json_end(&trace->json);
        }
        client->load_ns = 0;
        break;
    case EVENT_CLOSED:
        client_close(trace, client, own, event->at_ns, conn_end_name(event->what));
        break;
    case EVENT_ACCEPTED:
    case EVENT_KINDS:
        break;
    }
}

static void worker_event(struct trace *trace, unsigned worker, const struct event *event) {
    struct seen_call *call = &trace->calls[worker];
    if (event->kind == EVENT_CALL) {
        *call = (struct seen_call){event->at_ns, event->what};
    } else if (event->kind == EVENT_RETURNED) {
        trace->accept_ns[worker] = event->what == CALL_ACCEPT && event->value >= 0 ? call->since_ns : 0;
        call_end(trace, call, TRACK_WORKER + worker, event);
    }
}

static void loader_event(struct trace *trace, unsigned loader, const struct event *event) {
    if (!trace->loader_named[loader])
        trace_json_name_track(&trace->json, TRACK_LOADER + loader, "loader ", loader);
    trace->loader_named[loader] = true;
    if (event->kind == EVENT_CALL)
        trace->loader_calls[loader] = (struct seen_call){event->at_ns, event->what};
    else if (event->kind == EVENT_RETURNED)
        call_end(trace, &trace->loader_calls[loader], TRACK_LOADER + loader, event);
    if (event->kind == EVENT_LOADED && trace->loads_ns[loader]) {
        trace_json_slice(&trace->json, "load", TRACK_LOADER + loader, trace->loads_ns[loader], event->at_ns);
        trace_json_end(&trace->json);
    }
    if (event->kind == EVENT_LOAD || event->kind == EVENT_LOADED)
        trace->loads_ns[loader] = event->kind == EVENT_LOAD ? event->at_ns : 0;
}

static void forget_worker(struct trace *trace, unsigned worker, uint64_t at_ns) {
    trace->calls[worker].since_ns = trace->accept_ns[worker] = 0;
    for (unsigned i = 0; i < trace->touched[worker]; i++)
        if (client_at(trace, worker, i)->id)
            client_forget(trace, client_at(trace, worker, i), client_track(worker, i), at_ns);
}

static void handle(struct trace *trace, const struct taken *taken) {
    unsigned workers = trace->rings->workers, source = taken->source;
    if (trace->lost_there[source]) {
        trace->lost_there[source] = false;
        unsigned track = source < workers ? TRACK_WORKER + source : TRACK_LOADER + source - workers;
        trace_json_begin(&trace->json, "i", "events lost", track, taken->event.at_ns);
        fputs(",\"s\":\"t\"}", trace->json.file);
        if (source < workers)
            forget_worker(trace, source, taken->event.at_ns);
        else
            trace->loads_ns[source - workers] = trace->loader_calls[source - workers].since_ns = 0;
    }
    if (source >= workers)
        loader_event(trace, source - workers, &taken->event);
    else if (taken->event.client == EVENT_NOBODY)
        worker_event(trace, source, &taken->event);
    else if (taken->event.client < trace->about.clients)
        client_event(trace, source, &taken->event);
}

/* ---- Rings */

static void take(struct trace *trace, const struct event_ring *ring, struct event_cursor *cursor, unsigned source,
                 uint64_t until_ns) {
    uint64_t done = atomic_load_explicit(&ring->done, memory_order_acquire), lost = cursor->lost;
    struct event event;
    if (done > cursor->next + SHARE) {
        cursor->lost += done - SHARE - cursor->next;
        cursor->next = done - SHARE;
    }
    while (trace->taken_count < trace->taken_max) {
        if (!event_ring_get(ring, cursor, &event))
            break;
        if (event.at_ns > until_ns) {
            cursor->next--;
            break;
        }
        trace->taken[trace->taken_count] = (struct taken){event, (uint32_t)trace->taken_count, source};
        trace->taken_count++;
    }
    trace->lost += cursor->lost - lost;
    trace->lost_there[source] |= cursor->lost > lost;
}

static int compare_taken(const void *a, const void *b) {
    const struct taken *x = a, *y = b;
    if (x->event.at_ns != y->event.at_ns)
        return x->event.at_ns < y->event.at_ns ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void trace_drain(struct trace *trace, uint64_t until_ns) {
    const struct event_rings *rings = trace->rings;
    struct event_cursor *cursor = trace->cursors;
    uint64_t sent = trace->sent, open = trace->open;
    trace->taken_count = 0;
    for (unsigned i = 0; i < LOADERS_MOST; i++)
        take(trace, event_rings_loader(rings, i), cursor++, rings->workers + i, until_ns);
    for (unsigned worker = 0; worker < rings->workers; worker++, cursor += 1 + rings->children) {
        const struct event_ring *ring = event_rings_worker(rings, worker);
        uint32_t children = atomic_load_explicit(&ring->children, memory_order_relaxed);
        take(trace, ring, cursor, worker, until_ns);
        for (uint32_t i = 0; i < children && i < rings->children; i++)
            take(trace, event_rings_child(rings, worker, i), cursor + 1 + i, worker, until_ns);
    }
    qsort(trace->taken, trace->taken_count, sizeof *trace->taken, compare_taken);
    for (size_t i = 0; i < trace->taken_count; i++)
        handle(trace, &trace->taken[i]);
    if (until_ns > clock_fine_ns())
        until_ns = clock_fine_ns();
    if (trace->open != open)
        trace_json_count(&trace->json, "connections", until_ns, trace->open);
    if (trace->sent != sent)
        trace_json_count(&trace->json, "bytes sent", until_ns, trace->sent);
}

struct trace *trace_open(FILE *file, const struct event_rings *rings, const struct trace_about *about) {
    struct trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    size_t rings_count = LOADERS_MOST + (size_t)rings->workers * (1 + rings->children);
    *trace = (struct trace){.json = {file, about->pid, rings->opened_ns}, .rings = rings, .about = *about};
    trace->taken_max = (size_t)SHARE * (rings->workers + LOADERS_MOST);
    trace->clients_len = (size_t)rings->workers * about->clients * sizeof *trace->clients;
    trace->cursors = calloc(rings_count, sizeof *trace->cursors);
    trace->taken = malloc(trace->taken_max * sizeof *trace->taken);
    void *clients =
        mmap(NULL, trace->clients_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!trace->cursors || !trace->taken || clients == MAP_FAILED) {
        if (clients != MAP_FAILED)
            munmap(clients, trace->clients_len);
        free(trace->taken);
        free(trace->cursors);
        free(trace);
        return NULL;
    }
    trace->clients = clients;
    fprintf(file,
            "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,"
            "\"tid\":0,\"ts\":0,\"args\":{\"name\":\"httpd %s, -m %s\"}}",
            about->pid, about->version, about->model);
    for (unsigned i = 0; i < rings->workers; i++)
        trace_json_name_track(&trace->json, TRACK_WORKER + i, "worker ", i);
    return trace;
}

void trace_close(struct trace *trace) {
    uint64_t now_ns = clock_fine_ns();
    for (unsigned worker = 0; worker < trace->rings->workers; worker++)
        for (unsigned i = 0; i < trace->touched[worker]; i++)
            client_close(trace, client_at(trace, worker, i), client_track(worker, i), now_ns, "the trace ends");
    fprintf(trace->json.file,
            "\n],\"otherData\":{\"version\":\"%s\",\"model\":\"%s\",\"workers\":%u,\"events_lost\":%llu}}\n",
            trace->about.version, trace->about.model, trace->rings->workers, (unsigned long long)trace->lost);
    munmap(trace->clients, trace->clients_len);
    free(trace->taken);
    free(trace->cursors);
    free(trace);
}
