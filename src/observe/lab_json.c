/* The last events of all rings, for a page that asks again and again: each with its number in its ring, so that the
   page knows which it has and how many it has missed. Nothing is kept for those who ask. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "base/clock.h"
#include "observe/status_pages.h"

#include <stdio.h>

enum {
    WORKER_TOLD = 4096, /* of each ring; of all children the last few, as there may be hundreds */
    OTHERS_TOLD = 64,
    TOLD_MOST = 8192,
    NAMES_MAX = 64
};

/* What is older has been told, to a page that asks four times a second and has been kept waiting for no longer. */
static const uint64_t OLD_NS = 5000000000;

static void put_names(struct text *text, const char *what, const char *const *names, int count) {
    text_put_string(text, ",\"");
    text_put_string(text, what);
    for (int i = 0; i < count; i++) {
        text_put_string(text, i ? "\",\"" : "\":[\"");
        text_put_string(text, names[i]);
    }
    text_put_string(text, "\"]");
}

static void put_event(struct text *text, const char *ring, unsigned worker, uint64_t number,
                      const struct event *event) {
    char row[160];
    int len = snprintf(row, sizeof row, "%s\n[\"%s\",%llu,%llu,%u,%u,%u,%lld,%d,%lld,%d]",
                       text->at[text->len - 1] == '[' ? "" : ",", ring, (unsigned long long)number,
                       (unsigned long long)event->at_ns, worker, event->kind, event->what,
                       event->client == EVENT_NOBODY ? -1LL : (long long)event->client, event->fd,
                       (long long)event->value, event->apart);
    text_put(text, row, (size_t)len);
}

static void put_ring(struct text *text, const struct event_ring *ring, const char *name, unsigned worker, unsigned most,
                     unsigned *left) {
    uint64_t done = atomic_load_explicit(&ring->done, memory_order_acquire);
    struct event_cursor cursor = {.next = done > most ? done - most : 0};
    struct event event;
    uint64_t now_ns = clock_fine_ns();
    while (*left > 0 && cursor.next < done && event_ring_get(ring, &cursor, &event)) {
        if (event.at_ns + OLD_NS < now_ns)
            continue;
        put_event(text, name, worker, cursor.next - 1, &event);
        --*left;
    }
}

void lab_json_put(const struct status_pages *status, const struct event_rings *rings, const char *model, pid_t pid,
                  struct text *text) {
    const char *ends[NAMES_MAX];
    unsigned left = TOLD_MOST;
    char name[40];
    for (int i = 0; i < END_COUNT; i++)
        ends[i] = conn_end_name((enum conn_end)i);
    text_put_string(text, "{\"version\":\"");
    text_put_string(text, status->version);
    text_put_string(text, "\",\"model\":\"");
    text_put_string(text, model);
    text_put_string(text, "\",\"pid\":");
    text_put_number(text, (uint64_t)pid);
    text_put_string(text, ",\"workers\":");
    text_put_number(text, rings->workers);
    text_put_string(text, ",\"now\":");
    text_put_number(text, clock_fine_ns());
    put_names(text, "kinds", event_kind_names, EVENT_KINDS);
    put_names(text, "calls", event_call_names, CALL_COUNT);
    put_names(text, "ends", ends, END_COUNT);
    text_put_string(text, ",\"events\":[");
    for (unsigned i = 0; i < LOADERS_MOST; i++) {
        snprintf(name, sizeof name, "loader %u", i);
        put_ring(text, event_rings_loader(rings, i), name, i, OTHERS_TOLD, &left);
    }
    for (unsigned worker = 0; worker < rings->workers; worker++) {
        const struct event_ring *ring = event_rings_worker(rings, worker);
        uint32_t children = atomic_load_explicit(&ring->children, memory_order_relaxed);
        snprintf(name, sizeof name, "worker %u", worker);
        put_ring(text, ring, name, worker, WORKER_TOLD, &left);
        for (uint32_t i = 0; i < children && i < rings->children; i++) {
            snprintf(name, sizeof name, "child %u.%u", worker, i);
            put_ring(text, event_rings_child(rings, worker, i), name, worker, OTHERS_TOLD, &left);
        }
    }
    text_put_string(text, "\n]}\n");
}
