/* What is told of connections: what each request was answered with and how far that came, and why a connection ended.
   That each is told once, in order, and to the byte, engine.c checks in every test of the engine. */
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

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

static void assert_told(unsigned number, int status, uint64_t content_len) {
    assert_true(number < engine.ended);
    const struct exchange *exchange = &engine.told[number];
    assert_int_equal(exchange->status, status);
    assert_int_equal(exchange->len - exchange->head_len, content_len);
}

static void assert_ends(enum conn_end why) {
    assert_string_equal(conn_end_name(engine.conn.end), conn_end_name(why));
    engine_hang_up(&engine);
}

TEST(each_of_a_pipeline_is_told) {
    engine_connect(&engine);
    engine_feed_text(&engine, GET("/small") GET("/none") GET("/large") "HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n");
    engine_send_all(&engine);
    assert_int_equal(engine.ended, 4);
    assert_told(0, 200, SMALL_LEN);
    assert_int_equal(engine.told[1].status, 404);
    assert_told(2, 200, LARGE_LEN);
    assert_told(3, 200, 0);
    for (unsigned i = 0; i < engine.ended; i++)
        assert_int_equal(engine.told[i].sent, engine.told[i].len);
    conn_done(&engine.conn, 0);
    assert_ends(END_LEFT);
}

TEST(a_reply_that_is_cut_says_how_far_it_came) {
    engine_connect(&engine);
    engine_feed_text(&engine, GET("/large"));
    engine_send(&engine, 100);
    assert_int_equal(engine.ended, 0);
    conn_done(&engine.conn, -ECONNRESET);
    assert_int_equal(engine.ended, 1);
    assert_int_equal(engine.told[0].sent, 100);
    assert_ends(END_GONE);
}

TEST(who_leaves_before_the_answer_is_told_too) {
    engine_connect(&engine);
    engine_feed_text(&engine, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    conn_done(&engine.conn, 0);
    assert_told(0, STATUS_CLIENT_LEFT, 0);
    assert_ends(END_GONE);
}

TEST(it_begins_with_the_first_byte) {
    engine_connect(&engine);
    engine_pass(&engine, 500);
    engine_feed_text(&engine, "GET /small HTTP/1.1\r\n");
    engine_pass(&engine, 70);
    engine_feed_text(&engine, "Host: a\r\n\r\n");
    engine_send_all(&engine);
    assert_int_equal(engine.env.clock.now_ns - engine.told[0].began_ns, 70 * 1000000);
    engine_hang_up(&engine);
}

static void feed_and_send(const char *text) {
    engine_connect(&engine);
    if (*text)
        engine_feed_text(&engine, text);
    if (engine.begun > 0)
        engine_send_all(&engine);
}

TEST(every_end_has_its_reason) {
    feed_and_send("GET / HTTP/1.0\r\n\r\n");
    assert_ends(END_ASKED);
    feed_and_send("\x16\x03\x01");
    assert_int_equal(engine.told[0].status, 400);
    assert_ends(END_REFUSED);
    feed_and_send(GET("/../../x%"));
    assert_ends(END_REFUSED);
    feed_and_send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n");
    assert_ends(END_BODY);
    feed_and_send("");
    conn_done(&engine.conn, -ETIMEDOUT);
    assert_ends(END_IDLE);
    feed_and_send("GET");
    conn_done(&engine.conn, -ETIMEDOUT);
    engine_send_all(&engine);
    assert_int_equal(engine.told[0].status, 408);
    assert_ends(END_HEADER_TIMEOUT);
    feed_and_send("");
    engine_feed_text(&engine, GET("/large"));
    conn_done(&engine.conn, -ETIMEDOUT);
    assert_ends(END_SEND_TIMEOUT);
    feed_and_send("");
    engine_feed_text(&engine, GET("/large"));
    conn_done(&engine.conn, 0);
    assert_ends(END_FILE_CHANGED);
    feed_and_send("");
    engine_feed_text(&engine, GET("/large"));
    assert_ends(END_OPEN); /* until it is hung up: */
    assert_int_equal(engine.conn.end, END_CUT);
    feed_and_send("");
    conn_done(&engine.conn, -EBADF);
    assert_ends(END_ERROR);
}

TEST(whoever_makes_room_or_is_drained_is_told_apart) {
    engine_connect(&engine);
    atomic_store(&engine.crowded, true);
    engine_feed_text(&engine, GET("/small"));
    engine_send_all(&engine);
    assert_ends(END_MADE_ROOM);
    engine_connect(&engine);
    engine.env.draining = true;
    engine_feed_text(&engine, GET("/small"));
    engine_send_all(&engine);
    assert_ends(END_DRAINED);
    engine_connect(&engine);
    engine.limits.max_requests = 1;
    engine_feed_text(&engine, GET("/small"));
    engine_send_all(&engine);
    assert_ends(END_MAX_REQUESTS);
    engine_connect(&engine);
    conn_drain(&engine.conn);
    conn_done(&engine.conn, -EAGAIN);
    assert_ends(END_MADE_ROOM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_a_pipeline_is_told),
        cmocka_unit_test(a_reply_that_is_cut_says_how_far_it_came),
        cmocka_unit_test(who_leaves_before_the_answer_is_told_too),
        cmocka_unit_test(it_begins_with_the_first_byte),
        cmocka_unit_test(every_end_has_its_reason),
        cmocka_unit_test(whoever_makes_room_or_is_drained_is_told_apart),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
