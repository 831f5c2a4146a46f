/* The body reader: whatever the cuts, the same answer and the same number of bytes. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "protocol/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct answer {
    int status;
    size_t used;
};

static struct body begin(enum request_body kind, uint64_t len) {
    struct request request;
    struct body body;
    memset(&request, 0xa5, sizeof request);
    request.body = kind;
    request.body_len = len;
    body_init(&body, &request);
    return body;
}

/* Feeds text in pieces that end at the two cuts. Each piece is a block of its own, for the sanitizers to guard. */
static struct answer feed(struct body body, const char *text, size_t len, size_t cut, size_t other_cut) {
    const size_t ends[] = {cut, other_cut, len};
    struct answer answer = {REQUEST_INCOMPLETE, 0};
    size_t first = 0;
    for (int i = 0; i < 3 && answer.status == REQUEST_INCOMPLETE; i++) {
        size_t piece_len = ends[i] - first, used = (size_t)-1;
        char *piece = malloc(piece_len ? piece_len : 1);
        memcpy(piece, text + first, piece_len);
        answer.status = body_discard(&body, piece, piece_len, &used);
        free(piece);
        assert_true(used <= piece_len);
        if (answer.status == REQUEST_INCOMPLETE)
            assert_int_equal(used, piece_len);
        answer.used += used;
        first = ends[i];
    }
    return answer;
}

struct row {
    int status;
    const char *text;
    size_t len;
    const char *rest; /* what doesn't belong to the body any more, or wasn't looked at */
};

#define ROW(status, literal, rest)                                                                                     \
    { status, literal, sizeof(literal) - 1, rest }
#define LINES16(line) line line line line line line line line line line line line line line line line

static void check_row(const struct row *row) {
    size_t rest_len = strlen(row->rest);
    for (size_t cut = 0; cut <= row->len; cut++)
        for (size_t other = cut; other <= row->len; other++) {
            struct answer answer = feed(begin(BODY_CHUNKED, 0), row->text, row->len, cut, other);
            if (answer.status != row->status || answer.used + rest_len != row->len)
                fail_msg("%s cut at %zu and %zu gave %d, used %zu", row->text, cut, other, answer.status, answer.used);
        }
}

static void test_chunked(void **state) {
    static const struct row rows[] = {ROW(0, "0\r\n\r\n", ""),
                                      ROW(0, "0\r\n\r\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
                                      ROW(0, "5\r\nhello\r\n0\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
                                      ROW(0, "00000005\r\n0\r\n\r\n\r\n0\r\n\r\n", ""),
                                      ROW(0, "a\r\n0123456789\r\nA;x\r\n0123456789\r\n000\r\n\r\nx", "x"),
                                      ROW(0, "1;name=value\r\nx\r\n1 ; a = \"b;\\\"c\xff\" ;d\r\nx\r\n0;e\r\n\r\n", ""),
                                      ROW(0, "1\t;\tf\t=\tg\t;h\r\nx\r\n0\r\n\r\n", ""),
                                      ROW(0, "1;a=\"\";b;c=\"\\\\\"\r\nx\r\n0\r\n\r\n", ""),
                                      ROW(0, "1\r\nx\r\n0\r\nA: b\r\nC-d:\r\n!x: \ty\xff\r\n\r\nrest", "rest"),
                                      ROW(400, "5;\r\n", "\r\n"),
                                      ROW(400, "5; \r\n", "\r\n"),
                                      ROW(400, "5;;a\r\n", ";a\r\n"),
                                      ROW(400, "5;=a\r\n", "=a\r\n"),
                                      ROW(400, "5;a[\r\n", "[\r\n"),
                                      ROW(400, "5;a b\r\n", "b\r\n"),
                                      ROW(400, "5;a \r\n", "\r\n"),
                                      ROW(400, "5;a=\r\n", "\r\n"),
                                      ROW(400, "5;a==b\r\n", "=b\r\n"),
                                      ROW(400, "5;a=b[\r\n", "[\r\n"),
                                      ROW(400, "5;a=b c\r\n", "c\r\n"),
                                      ROW(400, "5;a=b \r\n", "\r\n"),
                                      ROW(400, "5;a=b=c\r\n", "=c\r\n"),
                                      ROW(400, "5;a=\"b\r\n", "\r\n"),
                                      ROW(400, "5;a=\"b\\\r\n", "\r\n"),
                                      ROW(400, "5;a=\"b\x01\"\r\n", "\x01\"\r\n"),
                                      ROW(400, "5;a=\"b\"c\r\n", "c\r\n"),
                                      ROW(400, "5;a=\"b\" \r\n", "\r\n"),
                                      ROW(400, "\r\n", "\r\n"),
                                      ROW(400, "x", "x"),
                                      ROW(400, " 5\r\n", " 5\r\n"),
                                      ROW(400, "-5\r\n", "-5\r\n"),
                                      ROW(400, "+5\r\n", "+5\r\n"),
                                      ROW(400, "0x5\r\n", "x5\r\n"),
                                      ROW(400, ";a\r\n", ";a\r\n"),
                                      ROW(400, "5 \r\n", "\r\n"),
                                      ROW(400, "5 5\r\n", "5\r\n"),
                                      ROW(400, "5g\r\n", "g\r\n"),
                                      ROW(400, "5\nhello", "\nhello"),
                                      ROW(400, "5\rhello", "hello"),
                                      ROW(400, "5;a\nhello", "\nhello"),
                                      ROW(400, "5;a\x7f", "\x7f"),
                                      ROW(400, "5;a\x01", "\x01"),
                                      ROW(400, "5;a\rx", "x"),
                                      ROW(400, "5\r\nhello0\r\n\r\n", "0\r\n\r\n"),
                                      ROW(400, "5\r\nhello\n0\r\n\r\n", "\n0\r\n\r\n"),
                                      ROW(400, "5\r\nhello\r0\r\n\r\n", "0\r\n\r\n"),
                                      ROW(400, "5\r\nhello\r\n\r\n", "\r\n"),
                                      ROW(400, "0\r\n\n", "\n"),
                                      ROW(400, "0\r\n\rx", "x"),
                                      ROW(400, "0\r\nGET / HTTP/1.1\r\n", " / HTTP/1.1\r\n"),
                                      ROW(400, "0\r\n: a\r\n", ": a\r\n"),
                                      ROW(400, "0\r\n a: b\r\n", " a: b\r\n"),
                                      ROW(400, "0\r\na : b\r\n", " : b\r\n"),
                                      ROW(400, "0\r\na: b\n\r\n", "\n\r\n"),
                                      ROW(400, "0\r\na: b\r\r\n", "\r\n"),
                                      ROW(400, "0\r\na: b\r\n c\r\n", " c\r\n"),
                                      ROW(400, "0\r\na: \x01\r\n", "\x01\r\n"),
                                      ROW(400, "0\r\na\r\n", "\r\n"),
                                      ROW(400, "10000000000000000\r\n", "0\r\n"),
                                      ROW(REQUEST_INCOMPLETE, "ffffffffffffffff\r\nabc", ""),
                                      ROW(REQUEST_INCOMPLETE, "5\r\nhello\r\n0\r\n\r", ""),
                                      ROW(REQUEST_INCOMPLETE, "", "")};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

static void test_length(void **state) {
    static const char text[] = "0123456789";
    (void)state;
    for (size_t len = 0; len <= 10; len++)
        for (size_t cut = 0; cut <= 10; cut++) {
            struct answer answer = feed(begin(BODY_LENGTH, len), text, 10, cut, cut);
            assert_int_equal(answer.status, 0);
            assert_int_equal(answer.used, len);
        }
    assert_int_equal(feed(begin(BODY_LENGTH, 11), text, 10, 3, 7).status, REQUEST_INCOMPLETE);
    assert_int_equal(feed(begin(BODY_NONE, 11), text, 10, 0, 7).used, 0);
    assert_int_equal(feed(begin(BODY_NONE, 11), text, 10, 0, 7).status, 0);
}

/* `count` bytes `fill` between two texts, fed whole and then in pieces of every size up to 70. */
static int feed_filled(const char *before, char fill, size_t count, const char *after) {
    size_t before_len = strlen(before), len = before_len + count + strlen(after), used;
    char *text = malloc(len + 1);
    memcpy(text, before, before_len);
    memset(text + before_len, fill, count);
    strcpy(text + before_len + count, after);
    struct body whole = begin(BODY_CHUNKED, 0);
    int status = body_discard(&whole, text, len, &used);
    for (size_t piece = 1; piece <= 70; piece += 3) {
        struct body body = begin(BODY_CHUNKED, 0);
        int now = REQUEST_INCOMPLETE;
        size_t first = 0, now_used;
        for (; first < len && now == REQUEST_INCOMPLETE; first += now_used)
            now = body_discard(&body, text + first, len - first < piece ? len - first : piece, &now_used);
        assert_int_equal(now, status);
        assert_int_equal(first, used);
    }
    free(text);
    return status;
}

static void test_limits(void **state) {
    (void)state;
    /* the line's CRLF counts */
    assert_int_equal(feed_filled("", '0', CHUNK_LINE_MAX - 2, "\r\n\r\n"), 0);
    assert_int_equal(feed_filled("", '0', CHUNK_LINE_MAX - 1, "\r\n\r\n"), 400);
    assert_int_equal(feed_filled("1\r\nx\r\n", '0', CHUNK_LINE_MAX - 2, "\r\n\r\n"), 0);
    assert_int_equal(feed_filled("1\r\nx\r\n", '0', CHUNK_LINE_MAX - 1, "\r\n\r\n"), 400);
    assert_int_equal(feed_filled("5;", 'a', CHUNK_LINE_MAX - 4, "\r\nhello\r\n0\r\n\r\n"), 0);
    assert_int_equal(feed_filled("5;", 'a', CHUNK_LINE_MAX - 3, "\r\nhello\r\n0\r\n\r\n"), 400);
    assert_int_equal(feed_filled("0\r\nA:", 'a', TRAILER_MAX - 6, "\r\n\r\n"), 0);
    assert_int_equal(feed_filled("0\r\nA:", 'a', TRAILER_MAX - 5, "\r\n\r\n"), 400);
    assert_int_equal(feed_filled("0\r\n" LINES16("Name: value\r\n"), 'a', 300, ": b\r\n\r\n"), 0);
    assert_int_equal(feed_filled("fff00\r\n", 'a', 0xfff00, "\r\n0\r\n\r\n"), 0);
    assert_int_equal(feed_filled("100000\r\n", 'a', 0x100000, "\r\n0\r\n\r\n"), 413);
    assert_int_equal(feed_filled("ffffffff\r\n", 'a', 0x200000, ""), 413);
}

/* The limit is on bytes taken: a body that ends with the last allowed one is whole. */
static void test_discard_max(void **state) {
    static char zeros[BODY_DISCARD_MAX + 2];
    struct request request = {.body = BODY_LENGTH, .body_len = BODY_DISCARD_MAX};
    struct body body = begin(BODY_LENGTH, BODY_DISCARD_MAX);
    size_t used;
    (void)state;
    assert_int_equal(body_discard(&body, zeros, sizeof zeros, &used), 0);
    assert_int_equal(used, BODY_DISCARD_MAX);
    body = begin(BODY_LENGTH, BODY_DISCARD_MAX + 1);
    assert_int_equal(body_discard(&body, zeros, BODY_DISCARD_MAX, &used), REQUEST_INCOMPLETE);
    assert_int_equal(body_discard(&body, zeros, 0, &used), REQUEST_INCOMPLETE);
    assert_int_equal(body_discard(&body, zeros, 1, &used), 413);
    assert_int_equal(used, 0);
    assert_false(body_too_long(&request));
    request.body_len++;
    assert_true(body_too_long(&request));
    request.body = BODY_CHUNKED;
    assert_false(body_too_long(&request));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chunked), cmocka_unit_test(test_length),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_discard_max)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
