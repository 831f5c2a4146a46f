/* What is known of a folder is looked at again in time, however steadily its files are asked for. */
#define _GNU_SOURCE
#include "engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct engine engine;

static int open_engine(void **state) {
    (void)state;
    engine_open(&engine);
    fixture_text(&engine.root, "app.js", "long");
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    return 0;
}

static bool answer_has(const char *path, const char *text) {
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n", path);
    engine_connect(&engine);
    engine_feed_text(&engine, request);
    engine_send_all(&engine);
    bool has = memmem(engine.sent.at, engine.sent.len, text, strlen(text)) != NULL;
    engine_hang_up(&engine);
    return has;
}

static void test_new_sibling(void **state) {
    enum { STEP_MS = 300, SEEN_MS = 2 * FILECACHE_TRUST_MS }; /* the file's own facts are believed, and its folder's */
    char path[32];
    (void)state;
    assert_true(answer_has("/app.js", "long"));
    fixture_text(&engine.root, "app.js.br", "short");
    for (int step = 0; step * STEP_MS < SEEN_MS; step++) {
        snprintf(path, sizeof path, "%d.txt", step);
        fixture_text(&engine.root, path, "new");
        engine_pass(&engine, STEP_MS);
        snprintf(path, sizeof path, "/%d.txt", step);
        assert_true(answer_has(path, "new"));
    }
    assert_true(answer_has("/app.js", "short"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_new_sibling, open_engine, close_engine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
