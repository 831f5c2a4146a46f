#define _GNU_SOURCE
/* What a process inherits, where there is no memory to read it. */
#include "host/inherited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* In the C library's place. */
char *strdup(const char *text) {
    (void)text;
    return NULL;
}

/* Or the server would open its addresses for itself, beside the one that it is to replace. */
static void without_memory_nothing_is_taken_for_nothing(void **state) {
    (void)state;
    static const char *const names[] = {"HTTPD_UPGRADE", "LISTEN_FDS", "LISTEN_FDNAMES"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct inherited inherited;
        char error[128] = "";
        setenv(names[i], "3", 1);
        assert_false(inherited_read(&inherited, error, sizeof error));
        assert_string_equal(error, "no memory to read which sockets were inherited");
        assert_null(getenv(names[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_memory_nothing_is_taken_for_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
