/* A request that needs several entries of a cache that is full gets them all: none of them has to make room for
   another, or it would be loaded anew for ever (engine_load_all counts). */
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
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    return 0;
}

static bool answers(const char *path, const char *status) {
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", path);
    engine_connect(&engine);
    engine_feed_text(&engine, request);
    engine_send_all(&engine);
    bool as_said = memmem(engine.sent.at, engine.sent.len, status, strlen(status)) != NULL;
    engine_hang_up(&engine);
    return as_said;
}

/* Two names that aren't there for each, and 404.html: wherever the hand is when the shelf is full. */
static void test_missing(void **state) {
    char path[32];
    (void)state;
    engine.config.clean_urls = true;
    for (int i = 0; i < 3 * FILECACHE_MISSING; i++) {
        snprintf(path, sizeof path, "/%d/", i);
        assert_true(answers(path, "HTTP/1.1 404 "));
    }
}

/* A large file and its sibling, with few descriptors. */
static void test_large(void **state) {
    enum { FILES = 40, LIMIT = 12 };
    static char content[FILECACHE_BODY_MAX + 1];
    char path[32];
    (void)state;
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%d.txt", i);
        fixture_file(&engine.root, path, content, sizeof content);
        snprintf(path, sizeof path, "%d.txt.gz", i);
        fixture_file(&engine.root, path, content, sizeof content);
    }
    for (unsigned limit = LIMIT; limit-- > 0;) {
        filecache_limit_fds(engine.site.cache, limit);
        for (int i = 0; i < FILES; i++) {
            snprintf(path, sizeof path, "/%d.txt", i);
            assert_true(answers(path, "Content-Encoding: gzip\r\n"));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(test_large, open_engine, close_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
