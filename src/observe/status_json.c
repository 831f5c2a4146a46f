/* Figures since the start, from which whoever polls makes rates. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "observe/status_pages.h"

#include <string.h>
#include <time.h>

/* A member of an object: "name":number, with a comma before it unless it is the first. */
static void put_member(struct text *text, const char *name, uint64_t number) {
    if (text->len > 0 && text->at[text->len - 1] != '{')
        text_put_string(text, ",");
    text_put_string(text, "\"");
    text_put_string(text, name);
    text_put_string(text, "\":");
    text_put_number(text, number);
}

static void put_figure(struct text *text, const char *name, const struct counter_slot *slot, enum figure figure) {
    put_member(text, name, counter_slot_get(slot, figure));
}

static void put_seconds(struct text *text, const char *name, const struct counter_slot *slot, enum figure figure) {
    text_put_string(text, ",\"");
    text_put_string(text, name);
    text_put_string(text, "\":");
    status_pages_put_seconds(text, counter_slot_get(slot, figure));
}

static void put_requests(struct text *text, const struct counter_slot *slot) {
    static const char *const classes[STATUS_CLASSES] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    text_put_string(text, ",\"requests\":{");
    put_member(text, "total", counter_slot_requests(slot));
    text_put_string(text, ",\"by_status\":{");
    for (unsigned class = 1; class < STATUS_CLASSES; class ++)
        put_member(text, classes[class], counter_slot_class(slot, class));
    text_put_string(text, "},\"by_method\":{");
    for (int method = 0; method < METHODS; method++) {
        uint64_t count = 0;
        for (int class = 0; class < STATUS_CLASSES; class ++)
            count += tally_get(&slot->requests[method][class]);
        put_member(text, status_method_names[method], count);
    }
    text_put_string(text, "}},\"bytes\":{");
    put_figure(text, "received", slot, FIGURE_RECEIVED);
    put_figure(text, "sent", slot, FIGURE_SENT);
    text_put_string(text, "}");
}

static uint64_t open_count(const uint64_t phases[PHASE_COUNT]) {
    uint64_t count = 0;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        count += phases[phase];
    return count;
}

static void put_connections(struct text *text, const struct status_pages *status, const struct status_sum *sum) {
    const struct counter_slot *slot = &sum->slot;
    text_put_string(text, ",\"connections\":{");
    put_figure(text, "accepted", slot, FIGURE_ACCEPTED);
    put_figure(text, "accept_errors", slot, FIGURE_ACCEPT_ERRORS);
    put_member(text, "max", status->max_connections);
    put_figure(text, "max_reached", slot, FIGURE_FULL);
    put_figure(text, "max_per_ip_refused", slot, FIGURE_PER_IP);
    put_member(text, "open", open_count(sum->phases));
    text_put_string(text, ",\"phases\":{");
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        put_member(text, status_phase_names[phase], sum->phases[phase]);
    text_put_string(text, "},\"ended\":{");
    for (int end = END_OPEN + 1; end < END_COUNT; end++)
        put_member(text, conn_end_name((enum conn_end)end), tally_get(&slot->ended[end]));
    text_put_string(text, "}}");
}

/* least_us[i]: where the bucket of counts[i] begins, and that before it ends. */
static void put_latency(struct text *text, const struct counter_slot *slot) {
    text_put_string(text, ",\"latency\":{");
    put_member(text, "count", counter_slot_timed(slot));
    text_put_string(text, ",\"seconds\":");
    status_pages_put_seconds(text, tally_get(&slot->latency_ns));
    text_put_string(text, ",\"least_us\":[");
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        text_put_string(text, i ? "," : "");
        text_put_number(text, latency_least_us(i));
    }
    text_put_string(text, "],\"counts\":[");
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        text_put_string(text, i ? "," : "");
        text_put_number(text, tally_get(&slot->latency[i]));
    }
    text_put_string(text, "]}");
}

static void put_files(struct text *text, const struct status_pages *status, const struct counter_slot *slot) {
    text_put_string(text, ",\"cache\":{");
    put_member(text, "hits", tally_get(&slot->site.hits));
    put_member(text, "checks", tally_get(&slot->site.checks));
    put_member(text, "misses", tally_get(&slot->site.misses));
    text_put_string(text, "},\"loads\":{");
    put_figure(text, "count", slot, FIGURE_LOADS);
    put_seconds(text, "seconds", slot, FIGURE_LOAD_NS);
    text_put_string(text, "},\"loaders\":{");
    put_member(text, "max", LOADERS_MOST);
    put_figure(text, "busy", slot, FIGURE_BUSY);
    text_put_string(text, "},\"log\":{");
    put_member(text, "lines", tally_get(&status->counters->log->lines));
    put_member(text, "lost", tally_get(&status->counters->log->lost));
    text_put_string(text, "},\"rounds\":{");
    put_figure(text, "count", slot, FIGURE_ROUNDS);
    put_seconds(text, "seconds", slot, FIGURE_ROUND_NS);
    text_put_string(text, "}");
}

static void put_lane(struct text *text, const struct status_sum *lane) {
    const struct counter_slot *slot = &lane->slot;
    text_put_string(text, "{");
    put_member(text, "requests", counter_slot_requests(slot));
    put_figure(text, "sent", slot, FIGURE_SENT);
    put_figure(text, "accepted", slot, FIGURE_ACCEPTED);
    put_member(text, "open", open_count(lane->phases));
    put_member(text, "idle", lane->phases[PHASE_IDLE]);
    put_figure(text, "rounds", slot, FIGURE_ROUNDS);
    put_seconds(text, "round_seconds", slot, FIGURE_ROUND_NS);
    text_put_string(text, "}");
}

void status_json_put(const struct status_pages *status, struct text *text) {
    struct status_sum sum = {0};
    text_put_string(text, "{\"version\":\"");
    text_put_string(text, status->version);
    text_put_string(text, "\",\"model\":\"");
    text_put_string(text, status->model);
    text_put_string(text, "\"");
    put_member(text, "pid", (uint64_t)status->pid);
    put_member(text, "started", (uint64_t)status->started_at);
    text_put_string(text, ",\"uptime\":");
    status_pages_put_seconds(text, clock_fine_ns() - status->started_ns);
    text_put_string(text, ",\"workers\":[");
    for (unsigned i = 0; i < status->counters->workers; i++) {
        struct status_sum lane = {0};
        status_pages_add_worker(status, i, &lane);
        text_put_string(text, i ? "," : "");
        put_lane(text, &lane);
    }
    text_put_string(text, "]");
    status_pages_add_all(status, &sum);
    put_requests(text, &sum.slot);
    put_connections(text, status, &sum);
    put_latency(text, &sum.slot);
    put_files(text, status, &sum.slot);
    text_put_string(text, "}\n");
}
