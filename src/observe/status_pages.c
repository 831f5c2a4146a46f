/* Which page is asked for, and whether it is this client's to see. */
#define _GNU_SOURCE
#include "observe/status_pages.h"
#include "base/clock.h"
#include "observe/status_files.h"
#include "site/reply.h"

#include <stdio.h>
#include <string.h>

enum page {
    PAGE_HTML,
    PAGE_CSS,
    PAGE_JS,
    PAGE_JSON,
    PAGE_METRICS,
    PAGE_LAB, /* this and what follows is the lab's */
    PAGE_LAB_CSS,
    PAGE_LAB_JS,
    PAGE_LAB_WORDS,
    PAGE_LAB_PLAY,
    PAGE_LAB_DRAW,
    PAGE_LAB_EXPERIMENTS,
    PAGE_LAB_FIGURE,
    PAGE_LAB_RUN,
    PAGE_EVENTS,
    PAGE_TRIAL_EVENTS,
    PAGE_EXPERIMENTS,
    PAGE_EXPERIMENT,
    PAGE_START,
};

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JS "text/javascript; charset=utf-8"
#define JSON "application/json"

static const struct {
    const char *rest, *type; /* of the path */
    const char *bytes;       /* NULL: it is put together */
    const size_t *len;
} pages[] = {
    [PAGE_HTML] = {"", HTML, NULL, NULL},
    [PAGE_CSS] = {"/page.css", CSS, status_page_css, &status_page_css_len},
    [PAGE_JS] = {"/page.js", JS, status_page_js, &status_page_js_len},
    [PAGE_JSON] = {"/status.json", JSON, NULL, NULL},
    [PAGE_METRICS] = {"/metrics", "text/plain; version=0.0.4; charset=utf-8", NULL, NULL},
    [PAGE_LAB] = {"/lab", HTML, status_lab_html, &status_lab_html_len},
    [PAGE_LAB_CSS] = {"/lab.css", CSS, status_lab_css, &status_lab_css_len},
    [PAGE_LAB_JS] = {"/lab.js", JS, status_lab_js, &status_lab_js_len},
    [PAGE_LAB_WORDS] = {"/lab_words.js", JS, status_lab_words_js, &status_lab_words_js_len},
    [PAGE_LAB_PLAY] = {"/lab_play.js", JS, status_lab_play_js, &status_lab_play_js_len},
    [PAGE_LAB_DRAW] = {"/lab_draw.js", JS, status_lab_draw_js, &status_lab_draw_js_len},
    [PAGE_LAB_EXPERIMENTS] = {"/lab_experiments.js", JS, status_lab_experiments_js, &status_lab_experiments_js_len},
    [PAGE_LAB_FIGURE] = {"/lab_figure.js", JS, status_lab_figure_js, &status_lab_figure_js_len},
    [PAGE_LAB_RUN] = {"/lab_run.js", JS, status_lab_run_js, &status_lab_run_js_len},
    [PAGE_EVENTS] = {"/events.json", JSON, NULL, NULL},
    [PAGE_TRIAL_EVENTS] = {"/trial.json", JSON, NULL, NULL},
    [PAGE_EXPERIMENTS] = {"/experiments.json", JSON, NULL, NULL},
    [PAGE_EXPERIMENT] = {"/experiment.json", JSON, NULL, NULL},
    [PAGE_START] = {"/start.json", JSON, NULL, NULL},
};

/* Nothing may be loaded but what is ours, nobody may frame it. */
#define FIELDS                                                                                                         \
    "Cache-Control: no-store\r\n"                                                                                      \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "           \
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"                                   \
    "Referrer-Policy: no-referrer\r\n"

const char *const status_method_names[METHODS] = {
    [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",       [METHOD_OPTIONS] = "OPTIONS",
    [METHOD_OTHER] = "other", [METHOD_UNKNOWN] = "unknown",
};

const char *const status_phase_names[PHASE_COUNT] = {
    [PHASE_IDLE] = "idle",         [PHASE_READING] = "reading", [PHASE_LOADING] = "loading",
    [PHASE_REPLYING] = "replying", [PHASE_IN_LINE] = "in-line", [PHASE_LEAVING] = "leaving",
};

/* A browser that was tricked into taking us for somebody else's host (DNS rebinding), and most balancers, say a name
   that isn't this machine's. */
static bool names_this_machine(struct slice authority) {
    size_t len = 0;
    if (slice_starts(authority, SLICE("[::1]")))
        len = 5;
    else if (authority.len >= 9 && slice_equal_nocase((struct slice){authority.at, 9}, SLICE("localhost")))
        len = authority.len > 9 && authority.at[9] == '.' ? 10 : 9;
    else if (slice_starts(authority, SLICE("127.")))
        while (len < authority.len && strchr("0123456789.", authority.at[len]))
            len++;
    return authority.len == 0 || (len > 0 && (len == authority.len || authority.at[len] == ':'));
}

static bool is_loopback(const struct address *from) {
    static const uint8_t v6[16] = {[15] = 1};
    if (from->kind != ADDRESS_IP)
        return from->kind == ADDRESS_LOCAL;
    return address_is_v4(from) ? from->bytes[12] == 127 : memcmp(from->bytes, v6, sizeof v6) == 0;
}

/* A balancer on this machine must not open the pages to the world. Of one that is trusted the client's address counts,
   and who says that he speaks for somebody is not believed to be somebody here. */
static bool is_allowed(const struct status_pages *status, int page, const struct request *request,
                       const struct address *from) {
    if (page >= PAGE_LAB && !status->rings)
        return false;
    if (page < PAGE_LAB && network_list_has(&status->allow, from))
        return true;
    return is_loopback(from) && !request_has(request, FIELD_X_FORWARDED_FOR) &&
           !request_has(request, FIELD_FORWARDED) && names_this_machine(request->authority);
}

static bool wants_json(const struct request *request) {
    struct slice line, element;
    for (size_t cursor = 0; request_next_line(request, FIELD_ACCEPT, &cursor, &line);)
        while (slice_next_element(&line, &element))
            if (slice_starts(element, SLICE("text/html")) || slice_starts(element, SLICE("application/json")))
                return slice_starts(element, SLICE("application/json"));
    return slice_equal(request->query, SLICE("?format=json"));
}

/* Only a page of this origin has read the token. */
static bool may_start(const struct status_pages *status, const struct request *request) {
    return request->method == METHOD_GET && experiments_ask(status->experiments, request->query);
}

static int status_find(const struct made *made, const struct request *request, const struct asker *asker,
                       struct slice rest) {
    const struct status_pages *status = (const struct status_pages *)made;
    for (int page = 0; page < (int)(sizeof pages / sizeof pages[0]); page++)
        if (slice_equal(rest, slice_of(pages[page].rest)) && is_allowed(status, page, request, asker->from))
            return page == PAGE_HTML && wants_json(request)            ? PAGE_JSON
                   : page == PAGE_START && !may_start(status, request) ? MADE_NONE
                                                                       : page;
    return MADE_NONE;
}

/* It refers to the others by the last segment of its path, so that it works beneath a prefix too, which a proxy takes
   off. */
static void put_html(const struct status_pages *status, struct text *text) {
    static const struct slice mark = {"@HERE@", 6};
    struct slice rest = {status_page_html, status_page_html_len}, path = status->made.path;
    const char *slash = memrchr(path.at, '/', path.len), *at;
    struct slice here = slash ? slice_from(path, (size_t)(slash + 1 - path.at)) : path;
    while ((at = memmem(rest.at, rest.len, mark.at, mark.len))) {
        size_t before = (size_t)(at - rest.at);
        text_put(text, rest.at, before);
        text_put(text, here.at, here.len);
        rest = slice_from(rest, before + mark.len);
    }
    text_put(text, rest.at, rest.len);
}

static void put_trial_events(const struct status_pages *status, struct text *text) {
    const struct experiments_told *told = status->experiments->told;
    const char *model = atomic_load(&told->model);
    lab_json_put(status, status->experiments->rings, model ? model : "", atomic_load(&told->pid), text);
}

static void status_make(const struct made *made, int page, struct text *text, const char **type, const char **fields) {
    const struct status_pages *status = (const struct status_pages *)made;
    *type = pages[page].type;
    *fields = FIELDS;
    if (pages[page].bytes)
        text_put(text, pages[page].bytes, *pages[page].len);
    else if (page == PAGE_HTML)
        put_html(status, text);
    else if (page == PAGE_JSON)
        status_json_put(status, text);
    else if (page == PAGE_METRICS)
        status_metrics_put(status, text);
    else if (page == PAGE_EVENTS)
        lab_json_put(status, status->rings, status->model, status->pid, text);
    else if (page == PAGE_TRIAL_EVENTS)
        put_trial_events(status, text);
    else if (page == PAGE_EXPERIMENTS)
        experiments_list_put(status->experiments, text);
    else
        experiments_told_put(status->experiments, text);
}

bool status_pages_path_ok(const char *path) {
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    if (strlen(path) > MADE_PATH_MAX || *path != '/')
        return false;
    while (*path == '/') {
        size_t len = strspn(++path, allowed);
        if (len == 0 || strncmp(path, "..", len) == 0)
            return false; /* "." too */
        path += len;
    }
    return *path == '\0';
}

void status_pages_open(struct status_pages *status, const char *path) {
    status->made = (struct made){.path = slice_of(path + 1), .find = status_find, .make = status_make};
}

void status_pages_add_worker(const struct status_pages *status, unsigned worker, struct status_sum *sum) {
    counters_add_worker(status->counters, worker, &sum->slot);
    status->phases(status->ctx, worker, sum->phases);
}

void status_pages_add_all(const struct status_pages *status, struct status_sum *sum) {
    for (unsigned i = 0; i < status->counters->workers; i++)
        status_pages_add_worker(status, i, sum);
    counters_add_loaders(status->counters, &sum->slot);
}

void status_pages_put_seconds(struct text *text, uint64_t ns) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
                       (unsigned long long)(ns % 1000000000));
    text_put(text, digits, (size_t)len);
}
