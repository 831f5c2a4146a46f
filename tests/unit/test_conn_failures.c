#define _GNU_SOURCE
/* Whatever fails and whenever, the connection ends soon, says nothing that isn't so, and gives back what it borrowed
   (engine_hang_up checks the last). */
#include "exchanges.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct engine engine;
static struct bytes good;

static int open_engine(void **state) {
    (void)state;
    engine_open(&engine);
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    bytes_free(&good);
    return 0;
}

/* The 408 or 503 that ends `sent`, as `failed` came too late: its first byte, or sent->len. */
static size_t find_late(const struct bytes *sent, enum conn_op_kind failed) {
    const char *status = failed == OP_LOAD ? "HTTP/1.1 503 " : "HTTP/1.1 408 ";
    const char *at = sent->len ? memmem(sent->at, sent->len, status, 13) : NULL;
    return at ? (size_t)(at - sent->at) : sent->len;
}

/* A whole reply that announces the end and its content, and nothing behind it; to a HEAD, not the content either. */
static void assert_late(const char *at, size_t len, bool to_head) {
    char text[1024], *end;
    const char *length;
    unsigned long content_len;
    assert_in_range(len, 1, sizeof text - 1);
    memcpy(text, at, len);
    text[len] = '\0';
    end = strstr(text, "\r\n\r\n");
    length = strstr(text, "\r\nContent-Length: ");
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_true(end && length && length < end);
    assert_int_equal(sscanf(length, "\r\nContent-Length: %lu\r\n", &content_len), 1);
    assert_int_equal(strlen(end + 4), to_head ? 0 : content_len);
}

static void assert_ops_after(const struct outcome *outcome, const struct test_exchange *exchange, ssize_t error,
                             bool told) {
    bool half_closed = outcome->failed == OP_FIN && error == 0;
    if (told)
        assert_int_equal(outcome->after_count, 4); /* SEND, FIN, RECV, CLOSE */
    else if (half_closed && exchange->may_close)
        assert_in_range(outcome->after_count, 1, 2);
    else
        assert_int_equal(outcome->after_count, half_closed && exchange->ending == LINGERS ? 2 : 1); /* RECV, CLOSE */
}

static void assert_failed_well(const struct outcome *outcome, const struct test_exchange *exchange, ssize_t error) {
    const struct bytes *sent = &engine.sent;
    size_t truth = find_late(sent, outcome->failed);
    bool told = truth < sent->len;
    assert_true(truth <= good.len);
    if (truth)
        assert_memory_equal(sent->at, good.at, truth);
    assert_int_equal(
        told, error == -ETIMEDOUT &&
                  (outcome->failed == OP_LOAD || (outcome->failed == OP_RECV && !outcome->idle && !outcome->lingered)));
    assert_int_equal(outcome->ending, CLOSES);
    assert_ops_after(outcome, exchange, error, told);
    if (told)
        assert_late(sent->at + truth, sent->len - truth,
                    truth == 0 && outcome->failed == OP_LOAD && strncmp(exchange->input, "HEAD", 4) == 0);
    assert_int_equal(outcome->fin_count, told || outcome->lingered || (outcome->failed == OP_FIN && error == 0));
}

/* Every op of the exchange but CLOSE fails once with each error; the end of the stream is one, except for FIN, whose
   success it is. */
static void fail_everywhere(const struct test_exchange *exchange, struct carriage carriage) {
    static const ssize_t errors[] = {-ECONNRESET, -EPIPE, -ETIMEDOUT, 0};
    carriage.fail_with = 1;
    engine_carry(&engine, exchange->input, exchange->len,
                 &carriage); /* from now on it takes the same loads each time */
    struct outcome outcome = engine_carry(&engine, exchange->input, exchange->len, &carriage);
    good.len = 0;
    bytes_add(&good, engine.sent.at, engine.sent.len);
    int count = outcome.op_count - (outcome.ending == CLOSES);
    for (carriage.fail_at = 0; carriage.fail_at < count; carriage.fail_at++) {
        for (size_t i = 0; i < COUNT(errors); i++) {
            carriage.fail_with = errors[i];
            outcome = engine_carry(&engine, exchange->input, exchange->len, &carriage);
            if (outcome.failed == OP_LOAD && errors[i] == 0) /* no failure either: it is asked for again */
                continue;
            assert_failed_well(&outcome, exchange, errors[i]);
        }
    }
}

static void fail_each_exchange(struct carriage carriage) {
    for (size_t i = 0; i < exchange_count; i++)
        fail_everywhere(&exchanges[i], carriage);
}

TEST(a_failure_of_a_whole_exchange) {
    fail_each_exchange((struct carriage){0});
}

TEST(a_failure_amid_a_head_or_a_body) {
    fail_each_exchange((struct carriage){.recv_most = 13});
}

TEST(a_failure_amid_a_reply) {
    fail_each_exchange((struct carriage){.send_most = 5000});
}

TEST(a_failure_of_small_pieces) {
    for (size_t i = 0; i < exchange_count; i++)
        if (exchanges[i].len < 128 && strlen(exchanges[i].statuses) <= strlen("200 200 ") &&
            !strstr(exchanges[i].input, "GET /large"))
            fail_everywhere(&exchanges[i], (struct carriage){.recv_most = 1, .send_most = 11});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_of_a_whole_exchange),
        cmocka_unit_test(a_failure_amid_a_head_or_a_body),
        cmocka_unit_test(a_failure_amid_a_reply),
        cmocka_unit_test(a_failure_of_small_pieces),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
