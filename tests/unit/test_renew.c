/* A worker's site is replaced while connections are at every point of a request: what had begun ends as it began, what
   waits for a load is answered from the new one, and the old one is over when nobody needs it. */
#define _GNU_SOURCE
#include "engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define FIELD "X-New: yes\r\n"

static struct engine engine;
static struct site_config fresh_config;
static struct site old, fresh;

static int open_engine(void **state) {
    int error;
    (void)state;
    engine_open(&engine);
    old = engine.site;
    fresh_config = engine.config;
    fresh_config.fields = SLICE(FIELD);
    fresh = (struct site){.config = &fresh_config, .cache = filecache_open(&fresh_config, engine.known, 8, &error)};
    return fresh.cache ? 0 : -1;
}

static int close_engine(void **state) {
    (void)state;
    filecache_close(engine.site.cache == old.cache ? fresh.cache : old.cache);
    engine_close(&engine);
    return 0;
}

static void renew(void) {
    filecache_follow(fresh.cache, engine.site.cache);
    engine.site = fresh;
}

/* All that can be given back is. */
static bool old_is_over(void) {
    bool more, over;
    do
        over = filecache_abandon(old.cache, &more);
    while (more);
    return over;
}

static bool sent_has(const char *text) {
    return memmem(engine.sent.at, engine.sent.len, text, strlen(text)) != NULL;
}

static void feed_unloaded(const char *text) {
    assert_int_equal(engine_wants(&engine), OP_RECV);
    conn_feed(&engine.conn, text, strlen(text));
}

TEST(who_waits_is_answered_from_the_new_one) {
    static const char *const requests[] = {GET("/large"), GET("/small"), GET("/none"), GET("/folder/")};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        engine.site = old;
        for (int looks = 0; looks < 20; looks++) { /* numbers of looks that the new one hasn't come to */
            engine_connect(&engine);
            engine_feed_text(&engine, GET("/large"));
            engine_hang_up(&engine);
            engine_pass(&engine, 2000);
        }
        engine_connect(&engine);
        feed_unloaded(requests[i]);
        assert_int_equal(engine_wants(&engine), OP_LOAD);
        renew();
        int loads = 0;
        while (engine_wants(&engine) == OP_LOAD) {
            struct load *load = load_get(engine.op.load);
            assert_true(loads++ < 20);
            load_work(load);
            load_done(load);
            conn_done(&engine.conn, 0);
            load_put(load);
        }
        engine_send_all(&engine);
        assert_true(sent_has(FIELD));
        engine_hang_up(&engine);
        engine_pass(&engine, 2000);
    }
    assert_true(old_is_over());
}

TEST(a_reply_ends_as_it_began) {
    engine_connect(&engine);
    engine_feed_text(&engine, GET("/large"));
    engine_send(&engine, 1000);
    renew();
    assert_false(old_is_over());
    engine_send_all(&engine);
    assert_false(sent_has(FIELD));
    assert_int_equal(engine.told[0].sent, engine.told[0].len);
    assert_true(old_is_over());
    engine.sent.len = 0;
    engine_feed_text(&engine, GET("/large"));
    engine_send_all(&engine);
    assert_true(sent_has(FIELD));
    engine_hang_up(&engine);
}

TEST(a_load_under_way_holds_the_old_one) {
    engine_connect(&engine);
    feed_unloaded(GET("/small"));
    assert_int_equal(engine_wants(&engine), OP_LOAD);
    struct load *load = load_get(engine.op.load);
    renew();
    engine_hang_up(&engine);
    assert_false(old_is_over());
    load->kind->work(load, LOAD_WAITS);
    load_done(load);
    assert_false(old_is_over());
    load_put(load);
    assert_true(old_is_over());
}

TEST(what_is_kept_goes_some_at_a_time) {
    bool more;
    char request[64];
    engine_connect(&engine);
    for (int i = 0; i < 600; i++) {
        snprintf(request, sizeof request, "GET /none%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
        engine_feed_text(&engine, request);
        engine_send_all(&engine);
    }
    renew();
    engine_hang_up(&engine);
    assert_false(filecache_abandon(old.cache, &more));
    assert_true(more);
    assert_true(filecache_abandon(old.cache, &more));
    assert_false(more);
}

TEST(who_is_idle_is_given_the_new_time) {
    engine_connect(&engine);
    uint64_t deadline_ms = conn_deadline(&engine.conn);
    engine_pass(&engine, 1000);
    engine.limits.idle_timeout_ms = IDLE_MS - 7000;
    assert_true(conn_renew(&engine.conn, IDLE_MS));
    assert_int_equal(conn_deadline(&engine.conn), deadline_ms - 7000);
    engine.limits.idle_timeout_ms = IDLE_MS;
    assert_true(conn_renew(&engine.conn, IDLE_MS - 7000));
    assert_int_equal(conn_deadline(&engine.conn), deadline_ms);
    assert_false(conn_renew(&engine.conn, IDLE_MS));
    engine_feed_text(&engine, "GET");
    deadline_ms = conn_deadline(&engine.conn);
    assert_false(conn_renew(&engine.conn, IDLE_MS / 2));
    assert_int_equal(conn_deadline(&engine.conn), deadline_ms);
    engine_hang_up(&engine);
}

/* Each time it is asked for it is looked at; that its folder is another by now doesn't show in it. */
TEST(a_large_file_that_is_asked_for_all_the_time_is_looked_for_by_its_name) {
    char content[LARGE_LEN] = "";
    fixture_file(&engine.root, "moved/large", content, sizeof content);
    fixture_mtime_all(&engine.root, 1600000000);
    engine_connect(&engine);
    engine_feed_text(&engine, GET("/moved/large"));
    engine_send_all(&engine);
    assert_int_equal(engine.told[(engine.ended - 1) % 64].status, 200);
    assert_int_equal(renameat(engine.root.fd, "moved", engine.root.fd, "elsewhere"), 0);
    for (int i = 0; i < 4; i++) {
        engine_pass(&engine, 300);
        engine_feed_text(&engine, GET("/moved/large"));
        engine_send_all(&engine);
    }
    assert_int_equal(engine.told[(engine.ended - 1) % 64].status, 404);
    engine_hang_up(&engine);
}

/* One that a reply is sent from is asked for. */
TEST(a_file_that_nobody_asks_for_is_closed) {
    struct filecache *cache = engine.site.cache;
    engine_connect(&engine);
    engine_feed_text(&engine, GET("/large") GET("/small"));
    engine_pass(&engine, FILECACHE_UNASKED_MS);
    assert_true(filecache_close_unasked(cache, engine.env.clock.now_ms));
    assert_true(filecache_keeps_open(cache));
    engine_send_all(&engine);
    engine_feed_text(&engine, GET("/large"));
    engine_send_all(&engine);
    engine_pass(&engine, FILECACHE_UNASKED_MS - 1);
    assert_true(filecache_close_unasked(cache, engine.env.clock.now_ms));
    assert_true(filecache_keeps_open(cache));
    unsigned kept = cache->used;
    engine_pass(&engine, 1);
    assert_true(filecache_close_unasked(cache, engine.env.clock.now_ms));
    assert_false(filecache_keeps_open(cache));
    assert_int_equal(cache->used, kept - 1); /* a small one stays */
    engine.sent.len = 0;
    engine_feed_text(&engine, GET("/large"));
    engine_send_all(&engine);
    assert_int_equal(engine.told[(engine.ended - 1) % 64].status, 200);
    engine_hang_up(&engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_waits_is_answered_from_the_new_one, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(a_reply_ends_as_it_began, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(a_load_under_way_holds_the_old_one, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(what_is_kept_goes_some_at_a_time, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(who_is_idle_is_given_the_new_time, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(a_large_file_that_is_asked_for_all_the_time_is_looked_for_by_its_name,
                                        open_engine, close_engine),
        cmocka_unit_test_setup_teardown(a_file_that_nobody_asks_for_is_closed, open_engine, close_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
