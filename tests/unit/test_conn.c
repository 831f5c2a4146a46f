/* What a connection sends, what it borrows and when it ends, step by step. Its deadlines, and what becomes of every cut
   and every failure, are in test_conn_deadlines.c, test_conn_cuts.c and test_conn_failures.c. */
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
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

static bool was_sent(const char *text) {
    return memmem(engine.sent.at, engine.sent.len, text, strlen(text)) != NULL;
}

/* Sends all, and asks whether the last reply said Connection: close. */
static bool said_close(void) {
    engine.sent.len = 0;
    engine_send_all(&engine);
    return was_sent("\r\nConnection: close\r\n");
}

/* --- what is sent --- */

TEST(a_reply_carries_its_file) {
    static const struct {
        const char *request, *head, *file;
        size_t first, len;
    } rows[] = {
        {GET("/small"), "Content-Length: 20\r\n", "small", 0, SMALL_LEN},
        {GET("/kilo"), "Content-Length: 1000\r\n", "kilo", 0, KILO_LEN},
        {GET("/medium"), "Content-Length: 6000\r\n", "medium", 0, MEDIUM_LEN},
        {GET("/large"), "Content-Length: 204800\r\n", "large", 0, LARGE_LEN},
        {"GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-199999\r\n\r\n", "Content-Length: 199000\r\n", "large",
         1000, 199000},
        {GET("/folder/"), "Content-Length: 22\r\n", "folder/index.html", 0, 22},
        {GET("/empty"), "Content-Length: 0\r\n", "empty", 0, 0},
        {"HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 204800\r\n", "large", 0, 0},
    };
    char *content = malloc(LARGE_LEN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        engine.sent.len = 0;
        engine_feed_text(&engine, rows[i].request);
        assert_int_equal(engine_send_all(&engine), OP_RECV);
        int fd = openat(engine.root.fd, rows[i].file, O_RDONLY);
        assert_int_equal(pread(fd, content, rows[i].len, (off_t)rows[i].first), rows[i].len);
        close(fd);
        const char *end = memmem(engine.sent.at, engine.sent.len, "\r\n\r\n", 4);
        assert_non_null(end);
        assert_true(was_sent(rows[i].head));
        assert_int_equal(engine.sent.at + engine.sent.len - (end + 4), rows[i].len);
        assert_memory_equal(end + 4, content, rows[i].len);
    }
    free(content);
}

/* The end of the stream follows what a last reply sends last. */
TEST(a_last_reply_announces_the_end) {
    static const char *const targets[] = {"/small", "/large"};
    for (size_t i = 0; i < COUNT(targets); i++) {
        char input[64];
        snprintf(input, sizeof input, "GET %s HTTP/1.0\r\n\r\n", targets[i]);
        engine_connect(&engine);
        engine_feed_text(&engine, input);
        while (engine_wants(&engine) != OP_FIN) {
            assert_true(engine.op.send.more);
            engine_send(&engine, SIZE_MAX);
        }
        engine_hang_up(&engine);
    }
}

TEST(a_head_announces_the_file_that_follows) {
    engine_feed_text(&engine, GET("/small") GET("/large") GET("/small"));
    assert_int_equal(engine_wants(&engine), OP_SEND);
    assert_false(engine.op.send.more); /* the file has to be looked at before its head can be */
    engine_send(&engine, SIZE_MAX);
    assert_int_equal(engine_wants(&engine), OP_SEND);
    assert_true(engine.op.send.more);
    assert_int_equal(engine.op.send.iov_count, 1);
    engine_send(&engine, SIZE_MAX);
    assert_int_equal(engine_wants(&engine), OP_SENDFILE);
    assert_int_equal(engine.op.send.len, LARGE_LEN);
    engine_send(&engine, SIZE_MAX);
    assert_int_equal(engine_wants(&engine), OP_SEND);
    assert_false(engine.op.send.more);
}

TEST(a_file_that_shrinks_is_not_padded) {
    size_t kept = 100 * 1024;
    char *content = calloc(1, LARGE_LEN);
    fixture_file(&engine.root, "shrinks", content, LARGE_LEN);
    free(content);
    engine_feed_text(&engine, GET("/shrinks"));
    engine_send(&engine, SIZE_MAX);
    size_t head_len = engine.sent.len;
    assert_true(engine_send(&engine, 5000));
    int fd = openat(engine.root.fd, "shrinks", O_WRONLY);
    assert_int_equal(ftruncate(fd, (off_t)kept), 0);
    close(fd);
    assert_true(engine_send(&engine, SIZE_MAX));
    assert_false(engine_send(&engine, SIZE_MAX));
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
    assert_int_equal(engine.sent.len, head_len + kept);
}

/* However full the queue is before it: where nobody watches, as many replies gather there as it holds. */
TEST(several_ranges_follow_other_replies) {
    static const char range[] = "GET /medium HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3999\r\n\r\n";
    static const char ranges[] = "GET /medium HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,100-109,200-209,300-309\r\n\r\n";
    const struct watch *watch = engine.env.watch;
    engine.env.watch = NULL;
    for (int large = 0; large <= 6; large++)
        for (int small = 0; small <= 8; small++) {
            char input[HEAD_MAX + 1] = "", wanted[128] = "", statuses[128];
            for (int i = 0; i < large + small; i++) {
                strcat(input, i < large ? range : GET("/empty"));
                strcat(wanted, i < large ? "206 " : "200 ");
            }
            engine.sent.len = 0;
            engine_feed_text(&engine, strcat(input, ranges));
            assert_int_equal(engine_send_all(&engine), OP_RECV);
            engine_statuses(&engine.sent, statuses, sizeof statuses);
            assert_string_equal(statuses, strcat(wanted, "206 "));
        }
    engine.env.watch = watch;
    engine_connect(&engine); /* nothing was told of the one before */
}

/* --- what is borrowed --- */

TEST(an_idle_connection_is_small_and_holds_nothing) {
    assert_in_range(sizeof(struct conn), 1, 128); /* two cache lines */
    struct engine fresh;
    engine_open(&fresh);
    engine_connect(&fresh);
    assert_int_equal(engine_wants(&fresh), OP_RECV);
    assert_int_equal(fresh.env.out.touched, 0);
    assert_true(conn_idle(&fresh.conn));
    engine_feed_text(&fresh, GET("/small"));
    assert_int_equal(engine_send_all(&fresh), OP_RECV);
    engine_feed_text(&fresh, GET("/small"));
    assert_null(fresh.conn.in); /* what comes whole, and is at hand, is never copied */
    assert_int_equal(fresh.env.out.touched, 1);
    assert_int_equal(engine_send_all(&fresh), OP_RECV);
    assert_true(conn_idle(&fresh.conn));
    assert_null(fresh.conn.out);
    engine_hang_up(&fresh);
    engine_close(&fresh);
}

TEST(only_what_is_unfinished_is_kept) {
    engine_feed_text(&engine, GET("/small") "GET");
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_int_equal(engine.op.recv_max, HEAD_MAX - 3);
    assert_false(conn_idle(&engine.conn));
    engine_feed_text(&engine, " /small HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n1");
    assert_int_equal(engine_wants(&engine), OP_RECV);
    assert_int_equal(engine.op.recv_max, HEAD_MAX); /* of the body nothing is kept */
    assert_false(conn_idle(&engine.conn));
    engine_feed_text(&engine, "23");
    assert_int_equal(engine_send_all(&engine), OP_RECV);
    assert_true(conn_idle(&engine.conn));
}

TEST(nothing_is_kept_behind_the_last_reply) {
    engine_feed_text(&engine, GET("/small") "GET /small HTTP/1.0\r\n");
    engine_send_all(&engine);
    assert_non_null(engine.conn.in);
    engine_feed_text(&engine, "\r\n" GET("/small"));
    assert_null(engine.conn.in);
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    assert_null(engine.conn.out);
}

/* --- the last reply --- */

TEST(the_worker_goes_down) {
    engine_feed_text(&engine, GET("/small"));
    assert_false(said_close());
    engine.env.draining = true;
    engine_feed_text(&engine, GET("/small"));
    assert_true(said_close());
    assert_int_equal(engine_wants(&engine), OP_FIN);
}

TEST(others_wait_at_the_door) {
    atomic_store(&engine.crowded, true);
    engine_feed_text(&engine, GET("/small"));
    assert_true(said_close());
    assert_int_equal(engine_wants(&engine), OP_FIN);
}

TEST(a_connection_has_so_many_requests) {
    engine.limits.max_requests = 3;
    engine_feed_text(&engine, GET("/small"));
    assert_false(said_close());
    engine_feed_text(&engine, GET("/small"));
    assert_false(said_close());
    engine_feed_text(&engine, GET("/small"));
    assert_true(said_close());
    assert_int_equal(engine_wants(&engine), OP_FIN);
}

TEST(requests_beyond_the_last_are_not_answered) {
    char statuses[64];
    engine.limits.max_requests = 2;
    engine_feed_text(&engine, GET("/small") GET("/small") GET("/small"));
    assert_int_equal(engine_send_all(&engine), OP_FIN);
    engine_statuses(&engine.sent, statuses, sizeof statuses);
    assert_string_equal(statuses, "200 200 ");
}

/* Who asked to close may be closed at once, unless it went on nevertheless: a reset would take the reply from it. */
TEST(a_careful_close_only_where_needed) {
    static const struct {
        const char *input;
        enum conn_op_kind after_fin;
    } rows[] = {
        {"GET /small HTTP/1.0\r\n\r\n", OP_CLOSE},
        {"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OP_CLOSE},
        {"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nG", OP_RECV},
        {"GET /small HTTP/1.0\r\n\r\n\r\n", OP_RECV},
        {POST("Content-Length: 9999999") "1", OP_RECV},
        {POST("Content-Length: 9999999\r\nConnection: close"), OP_RECV},
        {POST("Content-Length: 3\r\nExpect: 100-continue"), OP_RECV},
        {GET("/%zz"), OP_RECV},
        {POST("Content-Length: 3\r\nConnection: close") "123", OP_CLOSE},
        {"GET / HTTP/7.0\r\n", OP_RECV},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        engine_connect(&engine);
        engine_feed_text(&engine, rows[i].input);
        assert_true(said_close());
        assert_int_equal(engine_wants(&engine), OP_FIN);
        conn_done(&engine.conn, 0);
        assert_int_equal(engine_wants(&engine), rows[i].after_fin);
        engine_hang_up(&engine);
    }
}

/* Feeds a body of endless chunks until it is answered; the bytes it took. */
static size_t feed_chunks(void) {
    static const char chunk[] = "3F5\r\n";
    char bytes[5 + 0x3f5 + 2];
    size_t fed = 0;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, chunk, 5);
    memcpy(bytes + sizeof bytes - 2, "\r\n", 2);
    while (engine_wants(&engine) == OP_RECV && fed < 2 * BODY_DISCARD_MAX) {
        engine_feed(&engine, bytes, sizeof bytes);
        fed += sizeof bytes;
    }
    return fed;
}

TEST(a_body_is_thrown_away_up_to_a_bound) {
    engine_feed_text(&engine, POST("Transfer-Encoding: chunked"));
    assert_in_range(feed_chunks(), BODY_DISCARD_MAX, BODY_DISCARD_MAX + HEAD_MAX);
    assert_true(said_close());
    assert_true(was_sent("HTTP/1.1 405 "));
    assert_int_equal(engine_wants(&engine), OP_FIN);
}

/* --- conn_drain --- */

/* Its next request may be in the socket already: so it asks once more, and goes when there is nothing. */
static void goes_when_nothing_has_come(void) {
    assert_int_equal(engine_wants(&engine), OP_RECV);
    assert_true(conn_leaving(&engine.conn));
    conn_done(&engine.conn, -EAGAIN);
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
}

TEST(an_idle_connection_is_drained_at_once) {
    conn_drain(&engine.conn);
    goes_when_nothing_has_come();
}

TEST(an_idle_connection_is_drained_after_a_reply) {
    engine_feed_text(&engine, GET("/small"));
    engine_send_all(&engine);
    conn_drain(&engine.conn);
    goes_when_nothing_has_come();
}

TEST(a_request_that_has_come_is_answered_before_the_connection_goes) {
    conn_drain(&engine.conn);
    engine_feed_text(&engine, GET("/small"));
    assert_true(said_close());
}

TEST(nothing_to_receive_changes_nothing_otherwise) {
    conn_done(&engine.conn, -EAGAIN);
    assert_int_equal(engine_wants(&engine), OP_RECV);
}

/* The reply was rendered before, and can't say so any more. */
TEST(a_reply_under_way_is_drained_when_it_has_left) {
    engine_feed_text(&engine, GET("/large"));
    engine_send(&engine, 10);
    conn_drain(&engine.conn);
    assert_false(said_close());
    goes_when_nothing_has_come();
    assert_true(engine.sent.len > LARGE_LEN);
}

TEST(an_unfinished_request_is_drained_when_it_is_answered) {
    static const char *const parts[][2] = {
        {"GET /small HT", "TP/1.1\r\nHost: a\r\n\r\n"},
        {POST("Content-Length: 3") "1", "23"},
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        engine_connect(&engine);
        engine_feed_text(&engine, parts[i][0]);
        conn_drain(&engine.conn);
        assert_int_equal(engine_wants(&engine), OP_RECV);
        engine_feed_text(&engine, parts[i][1]);
        assert_true(said_close());
        assert_int_equal(engine_wants(&engine), OP_FIN);
        engine_hang_up(&engine);
    }
}

TEST(a_request_that_waits_behind_a_reply_is_answered_when_drained) {
    engine_feed_text(&engine, GET("/small") "GET /small HTTP/1.1\r\nHost: a\r\n");
    conn_drain(&engine.conn);
    assert_false(said_close());
    engine_feed_text(&engine, "\r\n");
    assert_true(said_close());
    assert_int_equal(engine_wants(&engine), OP_FIN);
}

#define ON_A_CONNECTION(test) cmocka_unit_test_setup_teardown(test, connect_engine, hang_up_engine)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_CONNECTION(a_reply_carries_its_file),
        ON_A_CONNECTION(several_ranges_follow_other_replies),
        cmocka_unit_test(a_last_reply_announces_the_end),
        ON_A_CONNECTION(a_head_announces_the_file_that_follows),
        ON_A_CONNECTION(a_file_that_shrinks_is_not_padded),
        cmocka_unit_test(an_idle_connection_is_small_and_holds_nothing),
        ON_A_CONNECTION(only_what_is_unfinished_is_kept),
        ON_A_CONNECTION(nothing_is_kept_behind_the_last_reply),
        ON_A_CONNECTION(the_worker_goes_down),
        ON_A_CONNECTION(others_wait_at_the_door),
        ON_A_CONNECTION(a_connection_has_so_many_requests),
        ON_A_CONNECTION(requests_beyond_the_last_are_not_answered),
        cmocka_unit_test(a_careful_close_only_where_needed),
        ON_A_CONNECTION(a_body_is_thrown_away_up_to_a_bound),
        ON_A_CONNECTION(an_idle_connection_is_drained_at_once),
        ON_A_CONNECTION(an_idle_connection_is_drained_after_a_reply),
        ON_A_CONNECTION(a_request_that_has_come_is_answered_before_the_connection_goes),
        ON_A_CONNECTION(nothing_to_receive_changes_nothing_otherwise),
        ON_A_CONNECTION(a_reply_under_way_is_drained_when_it_has_left),
        cmocka_unit_test(an_unfinished_request_is_drained_when_it_is_answered),
        ON_A_CONNECTION(a_request_that_waits_behind_a_reply_is_answered_when_drained),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
