/* Prometheus's text format, version 0.0.4: base units, a TYPE and a HELP for each family. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "observe/status_pages.h"

static void put_family(struct text *text, const char *name, const char *type, const char *help) {
    const char *const words[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        text_put_string(text, words[i]);
}

static void put_number(struct text *text, uint64_t number) {
    text_put_string(text, " ");
    text_put_number(text, number);
    text_put_string(text, "\n");
}

static void put_counter(struct text *text, const char *name, const char *help, uint64_t number) {
    put_family(text, name, "counter", help);
    text_put_string(text, name);
    put_number(text, number);
}

static void put_gauge(struct text *text, const char *name, const char *help, uint64_t number) {
    put_family(text, name, "gauge", help);
    text_put_string(text, name);
    put_number(text, number);
}

static void put_seconds(struct text *text, const char *name, uint64_t ns) {
    text_put_string(text, name);
    text_put_string(text, " ");
    status_pages_put_seconds(text, ns);
    text_put_string(text, "\n");
}

/* `name` with one label, and its number. */
static void put_labelled(struct text *text, const char *name, const char *label, const char *value, uint64_t number) {
    const char *const words[] = {name, "{", label, "=\"", value, "\"}"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        text_put_string(text, words[i]);
    put_number(text, number);
}

static void put_requests(struct text *text, const struct counter_slot *slot) {
    static const char *const name = "httpd_requests_total";
    put_family(text, name, "counter", "Requests that were answered, or never will be.");
    for (int method = 0; method < METHODS; method++)
        for (int class = 1; class < STATUS_CLASSES; class ++) {
            const char digit[] = {(char)('0' + class), 'x', 'x', '\0'};
            const char *const words[] = {name, "{method=\"", status_method_names[method], "\",code=\"", digit, "\"}"};
            for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
                text_put_string(text, words[i]);
            put_number(text, tally_get(&slot->requests[method][class]));
        }
    put_counter(text, "httpd_received_bytes_total", "Bytes of requests.", counter_slot_get(slot, FIGURE_RECEIVED));
    put_counter(text, "httpd_sent_bytes_total", "Bytes of replies.", counter_slot_get(slot, FIGURE_SENT));
}

static void put_connections(struct text *text, const struct status_pages *status, const struct status_sum *sum) {
    const struct counter_slot *slot = &sum->slot;
    put_counter(text, "httpd_accepted_connections_total", "Connections that were let in.",
                counter_slot_get(slot, FIGURE_ACCEPTED));
    put_counter(text, "httpd_accept_errors_total", "Times that nobody could be let in: no descriptor, memory, process.",
                counter_slot_get(slot, FIGURE_ACCEPT_ERRORS));
    put_counter(text, "httpd_connections_full_total",
                "Times that more waited when all of --max-connections were there.",
                counter_slot_get(slot, FIGURE_FULL));
    put_counter(text, "httpd_max_per_ip_refused_total", "Connections, or a balancer's requests, beyond --max-per-ip.",
                counter_slot_get(slot, FIGURE_PER_IP));
    put_family(text, "httpd_connections", "gauge", "Open connections by what they do.");
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        put_labelled(text, "httpd_connections", "state", status_phase_names[phase], sum->phases[phase]);
    put_gauge(text, "httpd_max_connections", "As many as may be open.", status->max_connections);
    put_family(text, "httpd_ended_connections_total", "counter", "Connections that ended, by why.");
    for (int end = END_OPEN + 1; end < END_COUNT; end++)
        put_labelled(text, "httpd_ended_connections_total", "reason", conn_end_name((enum conn_end)end),
                     tally_get(&slot->ended[end]));
}

/* Every second bucket of ours: two to each power of two. */
static void put_latency(struct text *text, const struct counter_slot *slot) {
    static const char *const name = "httpd_request_duration_seconds";
    uint64_t count = 0;
    put_family(text, name, "histogram", "From a request's first byte to the last of its reply.");
    for (unsigned i = 0; i < LATENCY_BUCKETS - 1; i++) {
        count += tally_get(&slot->latency[i]);
        if (i % 2 == 0)
            continue;
        text_put_string(text, name);
        text_put_string(text, "_bucket{le=\"");
        status_pages_put_seconds(text, latency_least_us(i + 1) * 1000);
        text_put_string(text, "\"}");
        put_number(text, count);
    }
    count += tally_get(&slot->latency[LATENCY_BUCKETS - 1]);
    put_labelled(text, "httpd_request_duration_seconds_bucket", "le", "+Inf", count);
    put_seconds(text, "httpd_request_duration_seconds_sum", tally_get(&slot->latency_ns));
    text_put_string(text, "httpd_request_duration_seconds_count");
    put_number(text, count);
}

static void put_files(struct text *text, const struct status_pages *status, const struct counter_slot *slot) {
    put_family(text, "httpd_cache_lookups_total", "counter", "Look-ups of files: known, to be checked, not known.");
    put_labelled(text, "httpd_cache_lookups_total", "result", "hit", tally_get(&slot->site.hits));
    put_labelled(text, "httpd_cache_lookups_total", "result", "check", tally_get(&slot->site.checks));
    put_labelled(text, "httpd_cache_lookups_total", "result", "miss", tally_get(&slot->site.misses));
    put_family(text, "httpd_load_duration_seconds", "summary", "What was loaded, and how long that took.");
    put_seconds(text, "httpd_load_duration_seconds_sum", counter_slot_get(slot, FIGURE_LOAD_NS));
    text_put_string(text, "httpd_load_duration_seconds_count");
    put_number(text, counter_slot_get(slot, FIGURE_LOADS));
    put_gauge(text, "httpd_loaders_busy", "Loader threads at work.", counter_slot_get(slot, FIGURE_BUSY));
    put_counter(text, "httpd_log_lines_total", "Lines of the access log.", tally_get(&status->counters->log->lines));
    put_counter(text, "httpd_log_lost_lines_total", "Lines that could not be written.",
                tally_get(&status->counters->log->lost));
    put_family(text, "httpd_round_duration_seconds", "summary", "Rounds of the loops, from a wait to the next.");
    put_seconds(text, "httpd_round_duration_seconds_sum", counter_slot_get(slot, FIGURE_ROUND_NS));
    text_put_string(text, "httpd_round_duration_seconds_count");
    put_number(text, counter_slot_get(slot, FIGURE_ROUNDS));
}

void status_metrics_put(const struct status_pages *status, struct text *text) {
    struct status_sum sum = {0};
    status_pages_add_all(status, &sum);
    const char *const words[] = {"httpd_build_info{version=\"", status->version, "\",model=\"", status->model,
                                 "\"} 1\n"};
    put_family(text, "httpd_build_info", "gauge", "What runs.");
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        text_put_string(text, words[i]);
    put_gauge(text, "httpd_start_time_seconds", "When it started, since the epoch.", (uint64_t)status->started_at);
    put_gauge(text, "httpd_workers", "Accept loops.", status->counters->workers);
    put_requests(text, &sum.slot);
    put_connections(text, status, &sum);
    put_latency(text, &sum.slot);
    put_files(text, status, &sum.slot);
}
