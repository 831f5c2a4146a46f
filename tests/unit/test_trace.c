/* A trace where events were lost: what is drawn of a client lies in each other or apart, and arrows have both ends. */
#define _GNU_SOURCE
#include "engine/watch.h"
#include "observe/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MORE_THAN_IS_WRITTEN = 20000 };

struct traced {
    struct event_rings *rings;
    struct trace *trace;
    FILE *file;
    char *text;
    size_t len;
    uint64_t now_ns;
};

static void begin(struct traced *traced) {
    const struct trace_about about = {"1.0", "uring", 1, 4};
    traced->rings = event_rings_open(1, 0, -1);
    traced->file = open_memstream(&traced->text, &traced->len);
    traced->trace = trace_open(traced->file, traced->rings, &about);
    traced->now_ns = traced->rings->opened_ns;
}

static void end(struct traced *traced) {
    trace_close(traced->trace);
    fclose(traced->file);
    event_rings_close(traced->rings);
}

/* A microsecond after the last one. */
static void put(struct traced *traced, struct event event) {
    event.at_ns = traced->now_ns += 1000;
    event_ring_put(event_rings_worker(traced->rings, 0), &event);
}

/* At the time of the last one. */
static void put_then(struct traced *traced, struct event event) {
    event_ring_put(event_rings_worker(traced->rings, 0), &event);
}

static void put_accept(struct traced *traced, uint32_t client) {
    put(traced, (struct event){.kind = EVENT_CALL, .what = CALL_ACCEPT, .client = EVENT_NOBODY, .fd = -1});
    put(traced,
        (struct event){.kind = EVENT_RETURNED, .what = CALL_ACCEPT, .client = EVENT_NOBODY, .fd = -1, .value = 7});
    put(traced, (struct event){.kind = EVENT_ACCEPTED, .client = client, .fd = 7});
    put_then(traced, (struct event){.kind = EVENT_WANTS, .what = EVENT_WANTS_READ, .client = client, .fd = -1});
}

static void put_too_much(struct traced *traced) {
    for (int i = 0; i < MORE_THAN_IS_WRITTEN; i++) {
        put(traced, (struct event){.kind = EVENT_CALL, .what = CALL_RING, .client = EVENT_NOBODY, .fd = -1});
        put(traced, (struct event){.kind = EVENT_RETURNED, .what = CALL_RING, .client = EVENT_NOBODY, .fd = -1});
    }
}

static double number(const char *line, const char *key) {
    const char *at = strstr(line, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static unsigned count(const char *text, const char *what) {
    unsigned found = 0;
    for (; (text = strstr(text, what)); text++)
        found++;
    return found;
}

/* What is seen next in its place is another client, that waits at once. */
static void test_its_end_was_lost(void **state) {
    (void)state;
    struct traced traced = {0};
    begin(&traced);
    put_accept(&traced, 0);
    trace_drain(traced.trace, UINT64_MAX);
    put_too_much(&traced);
    put_accept(&traced, 0);
    put(&traced, (struct event){.kind = EVENT_RUNS, .client = 0, .fd = -1});
    trace_drain(traced.trace, UINT64_MAX);
    end(&traced);
    const char *closed = strstr(traced.text, "\"name\":\"closed\"");
    assert_non_null(closed);
    assert_non_null(strstr(closed, "\"why\":\"not seen\""));
    const char *waits = strstr(closed, "\"name\":\"waits to receive\"");
    assert_non_null(waits);
    assert_true(number(closed, "\"ts\":") + number(closed, "\"dur\":") <= number(waits, "\"ts\":") + 0.0005);
    assert_int_equal(count(traced.text, "\"ph\":\"s\""), 2);
    assert_int_equal(count(traced.text, "\"ph\":\"f\""), 2);
    free(traced.text);
}

static void test_its_begin_was_lost(void **state) {
    (void)state;
    struct traced traced = {0};
    begin(&traced);
    put_accept(&traced, 0);
    put_too_much(&traced);
    put(&traced, (struct event){.kind = EVENT_RUNS, .client = 0, .fd = -1});
    put(&traced, (struct event){.kind = EVENT_CLOSED, .what = END_LEFT, .client = 0, .fd = -1});
    trace_drain(traced.trace, UINT64_MAX);
    end(&traced);
    assert_non_null(strstr(traced.text, "\"events lost\""));
    assert_int_equal(count(traced.text, "\"name\":\"closed\""), 1);
    assert_int_equal(count(traced.text, "\"ph\":\"s\"") + count(traced.text, "\"ph\":\"f\""), 0);
    free(traced.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_end_was_lost),
        cmocka_unit_test(test_its_begin_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
