/* What the lab's page asks for and is told: only who has the token is heard, records are whole, and each experiment
   says of each model what is expected of it. */
#define _GNU_SOURCE
#include "backend/list.h"
#include "observe/experiments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void test_ask(void **state) {
    (void)state;
    struct experiments *experiments = experiments_open();
    char query[EXPERIMENTS_ASK_MAX + 100], heard[EXPERIMENTS_ASK_MAX + 1];
    int ends[2];
    assert_non_null(experiments);
    assert_int_equal(strlen(experiments->token), EXPERIMENTS_TOKEN_LEN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    experiments->fd = ends[0];
    assert_false(experiments_ask(experiments, slice_of("")));
    assert_false(experiments_ask(experiments, slice_of("?")));
    assert_false(experiments_ask(experiments, slice_of("?token=")));
    assert_false(experiments_ask(experiments, slice_of("?token=0123456789abcdef0123456789abcdef&run=1")));
    snprintf(query, sizeof query, "?run=1&token=%s0", experiments->token);
    assert_false(experiments_ask(experiments, slice_of(query)));
    memset(query + snprintf(query, sizeof query, "?token=%s&models=", experiments->token), 'a', 500);
    assert_false(experiments_ask(experiments, (struct slice){query, EXPERIMENTS_ASK_MAX + 1}));
    assert_int_equal(recv(ends[1], heard, sizeof heard, MSG_DONTWAIT), -1);
    snprintf(query, sizeof query, "?run=12&token=%s&models=poll,fork&empty=", experiments->token);
    assert_true(experiments_ask(experiments, slice_of(query)));
    ssize_t len = recv(ends[1], heard, sizeof heard, MSG_DONTWAIT);
    assert_int_equal(len, strlen(query));
    const struct slice got = {heard, (size_t)len};
    assert_true(slice_equal(experiments_field(got, "run"), slice_of("12")));
    assert_true(slice_equal(experiments_field(got, "models"), slice_of("poll,fork")));
    assert_int_equal(experiments_field(got, "empty").len, 0);
    assert_int_equal(experiments_field(got, "model").len, 0);
    for (int i = 0; i < 2; i++)
        close(ends[i]);
    experiments_close(experiments);
}

static void check_told(const struct experiments *experiments, const char *expected) {
    struct text text = {0};
    experiments_told_put(experiments, &text);
    assert_true(slice_equal((struct slice){text.at, text.len}, slice_of(expected)));
    free(text.at);
}

static void test_told(void **state) {
    (void)state;
    struct experiments *experiments = experiments_open();
    struct experiments_told *told = experiments->told;
    check_told(experiments, "{\"run\":0,\"running\":false,\"records\":[\nnull]}\n");
    atomic_store(&told->running, true);
    experiments_begin(told, 1);
    experiments_tell(told, "{\"at\":%d}", 7);
    experiments_tell(told, "[]");
    check_told(experiments, "{\"run\":1,\"running\":true,\"records\":[\n{\"at\":7},\n[],\nnull]}\n");
    /* What has no room is left out, whole. */
    for (int i = 0; i < EXPERIMENTS_TEXT_MAX / 100; i++)
        experiments_tell(told, "\"%0200d\"", i);
    size_t len = told->len;
    assert_true(len <= EXPERIMENTS_TEXT_MAX && len > EXPERIMENTS_TEXT_MAX - 300);
    assert_memory_equal(told->text + len - 3, "\",\n", 3);
    /* Who shares the memory can't have something written elsewhere. */
    atomic_store(&told->len, (size_t)1 << 40);
    experiments_tell(told, "[]");
    assert_int_equal(told->len, (size_t)1 << 40);
    experiments_begin(told, 2);
    check_told(experiments, "{\"run\":2,\"running\":true,\"records\":[\nnull]}\n");
    experiments_close(experiments);
}

static void test_expectations(void **state) {
    (void)state;
    for (const struct experiment *experiment = experiment_list; experiment->name; experiment++) {
        assert_ptr_equal(experiment_find(slice_of(experiment->name)), experiment);
        for (int i = 0; backend_list[i]; i++)
            assert_true(strlen(experiment_expects(experiment, backend_list[i]->name)->words) > 20);
        /* One name lies in another. */
        const struct expectation *expected = experiment_expects(experiment, "epoll-lt");
        assert_true(!expected->models || strstr(expected->models, "epoll"));
    }
    assert_null(experiment_find(slice_of("slo")));
    const struct experiment *slow = experiment_find(slice_of("slow"));
    assert_int_equal(experiment_expects(slow, "blocking")->fate, FATE_HELD_UP);
    assert_string_equal(experiment_expects(slow, "poll")->models, "select poll");
    assert_int_equal(experiment_fate(0, 1), FATE_ANSWERED);
    assert_int_equal(experiment_fate(0, 500), FATE_LATE);
    assert_int_equal(experiment_fate(1, 1), FATE_HELD_UP);
    assert_true(experiment_met(FATE_ANSWERED, FATE_LATE) && experiment_met(FATE_LATE, FATE_HELD_UP));
    assert_false(experiment_met(FATE_ANSWERED, FATE_HELD_UP) || experiment_met(FATE_HELD_UP, FATE_LATE) ||
                 experiment_met(FATE_LATE, FATE_ANSWERED));
}

/* What one process notes another one reads. */
static void test_rings(void **state) {
    (void)state;
    struct experiments *experiments = experiments_open();
    struct event_rings *theirs = experiments_rings_open(experiments->rings_fd);
    struct event_cursor cursor = {0};
    struct event event;
    assert_non_null(theirs);
    event_ring_put(event_rings_worker(theirs, 0), &(struct event){.kind = EVENT_CALL, .at_ns = 5});
    event_ring_put(event_rings_worker(theirs, 0), &(struct event){.kind = EVENT_RETURNED, .at_ns = 6});
    event_ring_put(event_rings_loader(theirs, 1), &(struct event){.kind = EVENT_CALL, .at_ns = 7});
    event_ring_put(event_rings_child(theirs, 0, 3), &(struct event){.kind = EVENT_CALL, .at_ns = 8});
    assert_true(event_ring_get(event_rings_worker(experiments->rings, 0), &cursor, &event) && event.at_ns == 5);
    assert_int_equal(event_rings_calls(experiments->rings), 2);
    event_rings_worker(theirs, 0)->children = 4;
    assert_int_equal(event_rings_calls(experiments->rings), 3);
    event_rings_close(theirs);
    experiments_close(experiments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_expectations),
        cmocka_unit_test(test_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
