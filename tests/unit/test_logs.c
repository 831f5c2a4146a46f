/* A reload that hangs, in the open of a log on a disk, say, outlasts the logs: it may renew them none the less. */
#define _GNU_SOURCE
#include "../support/fixture.h"
#include "server/logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_late_renewal(void **state) {
    (void)state;
    struct fixture folder;
    char first[128], second[128], error[512];
    fixture_open(&folder);
    snprintf(first, sizeof first, "%s/first", folder.path);
    snprintf(second, sizeof second, "%s/second", folder.path);
    struct config config = {.access_log_path = first, .settings.workers = 1}, next = config;
    struct observed observed = {0};
    struct logs_renewal renewal;
    next.access_log_path = second;
    assert_true(logs_open(&config, &observed));
    assert_true(logs_start(&observed));
    assert_true(logs_renewal_open(&renewal, &next, error, sizeof error));
    assert_true(renewal.access_moves);
    logs_close(&observed, false);
    assert_null(observed.log);
    logs_renewal_take(&renewal, &next);
    logs_reopen(); /* a signal has it called at any time */
    fixture_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_late_renewal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
