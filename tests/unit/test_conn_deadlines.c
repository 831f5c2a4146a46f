/* What a connection waits for, and how long: only progress that is worth it renews a deadline. */
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n\r\n"

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

static int connect_engine(void **state) {
    (void)state;
    engine_connect(&engine);
    return 0;
}

static int hang_up_engine(void **state) {
    (void)state;
    engine_hang_up(&engine);
    return 0;
}

static uint64_t ms_left(void) {
    return conn_deadline(&engine.conn) - engine.env.clock.now_ms;
}

static void time_out(void) {
    conn_done(&engine.conn, -ETIMEDOUT);
}

static bool was_sent(const char *text) {
    return memmem(engine.sent.at, engine.sent.len, text, strlen(text)) != NULL;
}

TEST(idle_until_the_first_byte) {
    assert_int_equal(ms_left(), IDLE_MS);
    engine_pass(&engine, IDLE_MS - 1);
    assert_int_equal(ms_left(), 1);
    engine_feed_text(&engine, "G");
    assert_int_equal(ms_left(), HEADER_MS);
}

TEST(a_quiet_close_when_nothing_came) {
    time_out();
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

/* One deadline for the whole head and its body, however it drips. */
TEST(drips_renew_nothing) {
    const char *text = POST("Content-Length: 8") "1234567";
    engine_feed(&engine, text, 1);
    for (size_t i = 1; text[i]; i++) {
        engine_pass(&engine, 1);
        engine_feed(&engine, text + i, 1);
        assert_int_equal(ms_left(), HEADER_MS - i);
    }
    engine.limits.min_rate = 1000;
    time_out();
    assert_int_equal(ms_left(), SEND_MS);
    engine_send(&engine, 10);
    assert_int_equal(ms_left(), SEND_MS);
    assert_null(engine.conn.in);
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    assert_true(was_sent("HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(was_sent("\r\nConnection: close\r\n"));
}

TEST(a_late_body_is_refused_as_its_method_asks) {
    engine_feed_text(&engine, "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n123");
    time_out();
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    assert_true(was_sent("HTTP/1.1 408 Request Timeout\r\n"));
    assert_memory_equal(engine.sent.at + engine.sent.len - 4, "\r\n\r\n", 4); /* and no content */
}

TEST(an_empty_line_is_the_first_of_a_head) {
    engine_feed_text(&engine, "\r\n");
    assert_int_equal(ms_left(), HEADER_MS);
    engine_pass(&engine, 1000);
    engine_feed_text(&engine, "\r\n");
    assert_int_equal(ms_left(), HEADER_MS - 1000);
}

TEST(a_deadline_for_each_head) {
    engine_feed_text(&engine, GET("/small") "G");
    engine_pass(&engine, 500);
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_int_equal(ms_left(), HEADER_MS);
    engine_pass(&engine, 1000);
    engine_feed_text(&engine, "ET /small HTTP/1.1\r\nHost: a\r\n\r\nGET /");
    engine_pass(&engine, 500);
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_int_equal(ms_left(), HEADER_MS);
}

TEST(a_deadline_for_a_body_behind_a_reply) {
    engine_feed_text(&engine, GET("/small") POST("Content-Length: 8") "123");
    engine_pass(&engine, 500);
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_int_equal(ms_left(), HEADER_MS);
    engine_pass(&engine, 1000);
    engine_feed_text(&engine, "4");
    assert_int_equal(ms_left(), HEADER_MS - 1000);
}

TEST(idle_again_after_a_reply) {
    engine_feed_text(&engine, GET("/small"));
    engine_pass(&engine, 5000);
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_int_equal(ms_left(), IDLE_MS);
    time_out();
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(progress_renews_the_deadline_of_a_reply) {
    engine_feed_text(&engine, GET("/large"));
    assert_int_equal(ms_left(), SEND_MS);
    for (int i = 0; i < 50; i++) {
        engine_pass(&engine, SEND_MS - 1);
        assert_int_equal(ms_left(), 1);
        engine_send(&engine, 1);
        assert_int_equal(ms_left(), SEND_MS);
    }
    time_out();
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(slow_progress_renews_it_less) {
    engine.limits.min_rate = 1000;
    engine_feed_text(&engine, GET("/large"));
    engine_pass(&engine, 3000);
    engine_send(&engine, 100);
    assert_int_equal(ms_left(), SEND_MS - 3000 + 100); /* a byte is worth a millisecond */
    engine_send(&engine, SIZE_MAX);                    /* the head's rest */
    engine_pass(&engine, 1000);
    uint64_t sent = engine.sent.len;
    engine_send(&engine, 50);
    assert_int_equal(ms_left(), SEND_MS - 4000 + sent + 50);
    engine_send(&engine, 100 * 1000);
    assert_int_equal(ms_left(), SEND_MS); /* far ahead, and yet no longer than without a rate */
}

TEST(each_reply_has_its_own_rate) {
    engine.limits.min_rate = 1000;
    for (int i = 0; i < 3; i++) {
        engine_feed_text(&engine, GET("/large"));
        assert_int_equal(ms_left(), SEND_MS);
        engine_pass(&engine, 7000);
        engine_send(&engine, 10);
        assert_int_equal(ms_left(), SEND_MS - 7000 + 10);
        assert_int_equal(engine_send_all(&engine), OP_RECV);
    }
}

/* Ends in LINGERING. */
static void refuse(void) {
    engine_feed_text(&engine, "nonsense\r\n\r\n");
    engine_pass(&engine, 500);
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    assert_int_equal(ms_left(), LINGER_MS);
    conn_done(&engine.conn, 0);
}

TEST(lingering_is_bounded_in_time) {
    refuse();
    for (int i = 1; i < 100; i++) {
        engine_pass(&engine, 10);
        engine_feed_text(&engine, GET("/small"));
        assert_int_equal(engine_wants(&engine), OP_RECV);
        assert_int_equal(ms_left(), LINGER_MS - i * 10);
    }
    time_out();
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(lingering_is_bounded_in_bytes) {
    char junk[HEAD_MAX] = {0};
    refuse();
    for (int i = 0; i < LINGER_BYTES / HEAD_MAX; i++)
        engine_feed(&engine, junk, sizeof junk);
    engine_feed(&engine, junk, 1);
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(the_peers_end_ends_lingering) {
    refuse();
    conn_done(&engine.conn, 0);
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(lingering_goes_on_when_drained) {
    refuse();
    conn_drain(&engine.conn);
    assert_int_equal(engine_wants(&engine), OP_RECV);
    assert_int_equal(ms_left(), LINGER_MS);
}

#define ON_A_CONNECTION(test) cmocka_unit_test_setup_teardown(test, connect_engine, hang_up_engine)

/* Where others wait for the place, a client isn't waited for as long to close its end. */
TEST(lingering_is_short_where_it_is_crowded) {
    atomic_store(&engine.crowded, true);
    engine_feed_text(&engine, GET("/small"));
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    assert_int_equal(ms_left(), ROOM_GRACE_MS);
}

TEST(lingering_gets_short_when_others_come) {
    refuse();
    engine_feed_text(&engine, GET("/small"));
    assert_int_equal(ms_left(), LINGER_MS);
    atomic_store(&engine.crowded, true);
    for (int i = 0; i < 3; i++) {
        engine_feed_text(&engine, GET("/small"));
        assert_int_equal(ms_left(), ROOM_GRACE_MS - i * 10);
        engine_pass(&engine, 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_CONNECTION(idle_until_the_first_byte),
        ON_A_CONNECTION(a_quiet_close_when_nothing_came),
        ON_A_CONNECTION(drips_renew_nothing),
        ON_A_CONNECTION(an_empty_line_is_the_first_of_a_head),
        ON_A_CONNECTION(a_late_body_is_refused_as_its_method_asks),
        ON_A_CONNECTION(a_deadline_for_each_head),
        ON_A_CONNECTION(a_deadline_for_a_body_behind_a_reply),
        ON_A_CONNECTION(idle_again_after_a_reply),
        ON_A_CONNECTION(progress_renews_the_deadline_of_a_reply),
        ON_A_CONNECTION(slow_progress_renews_it_less),
        ON_A_CONNECTION(each_reply_has_its_own_rate),
        ON_A_CONNECTION(lingering_is_bounded_in_time),
        ON_A_CONNECTION(lingering_is_bounded_in_bytes),
        ON_A_CONNECTION(the_peers_end_ends_lingering),
        ON_A_CONNECTION(lingering_goes_on_when_drained),
        ON_A_CONNECTION(lingering_is_short_where_it_is_crowded),
        ON_A_CONNECTION(lingering_gets_short_when_others_come),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
