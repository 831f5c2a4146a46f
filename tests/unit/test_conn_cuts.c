/* However the bytes of an exchange come and go, it is the same exchange. */
#include "exchanges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

enum {
    ROUNDS = 100,
    SLOW_LEN = 4096, /* replies up to here are also sent in small pieces at every cut */
};

static struct engine engine;
static struct bytes whole; /* what the exchange at hand sends when all its input comes at once */
static struct outcome whole_outcome;

static int open_engine(void **state) {
    (void)state;
    engine_open(&engine);
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    bytes_free(&whole);
    return 0;
}

static struct outcome carry(const struct test_exchange *exchange, struct carriage carriage) {
    carriage.fail_with = 1;
    return engine_carry(&engine, exchange->input, exchange->len, &carriage);
}

static void carry_whole(const struct test_exchange *exchange) {
    whole_outcome = carry(exchange, (struct carriage){.fail_with = 1});
    whole.len = 0;
    bytes_add(&whole, engine.sent.at, engine.sent.len);
}

static void assert_same_as_whole(const struct test_exchange *exchange, struct carriage carriage) {
    struct outcome outcome = carry(exchange, carriage);
    bool same = outcome.ending == whole_outcome.ending || (exchange->may_close && outcome.ending == CLOSES);
    if (same && bytes_equal(&engine.sent, &whole))
        return;
    fail_msg("%s, cut at %zu and %zu, received by %zu, sent by %zu: %zu bytes and ending %d instead of %zu and %d",
             exchange->name, carriage.cut[0], carriage.cut[1], carriage.recv_most, carriage.send_most, engine.sent.len,
             (int)outcome.ending, whole.len, (int)whole_outcome.ending);
}

static void for_each_exchange(void (*check)(const struct test_exchange *exchange)) {
    for (size_t i = 0; i < exchange_count; i++) {
        carry_whole(&exchanges[i]);
        check(&exchanges[i]);
    }
}

static void check_whole(const struct test_exchange *exchange) {
    char statuses[256];
    engine_statuses(&whole, statuses, sizeof statuses);
    if (strcmp(statuses, exchange->statuses) != 0 || whole_outcome.ending != exchange->ending)
        fail_msg("%s: %s, ending %d", exchange->name, statuses, (int)whole_outcome.ending);
    assert_int_equal(whole_outcome.fin_count, exchange->ending != WAITS);
}

TEST(an_exchange_is_answered) {
    for_each_exchange(check_whole);
}

static void check_cuts(const struct test_exchange *exchange) {
    for (size_t cut = 1; cut < exchange->len; cut++) {
        assert_same_as_whole(exchange, (struct carriage){.cut = {cut}});
        if (whole.len <= SLOW_LEN)
            assert_same_as_whole(exchange, (struct carriage){.cut = {cut}, .send_most = 7});
    }
}

TEST(input_cut_in_two_anywhere_is_the_same) {
    for_each_exchange(check_cuts);
}

static uint32_t next_random(uint32_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static void check_random_cuts(const struct test_exchange *exchange) {
    uint32_t random = 2463534242u;
    for (int i = 0; i < ROUNDS; i++) {
        size_t a = next_random(&random) % exchange->len, b = next_random(&random) % exchange->len;
        assert_same_as_whole(exchange, (struct carriage){.cut = {a < b ? a : b, a < b ? b : a}});
    }
}

TEST(input_cut_in_three_is_the_same) {
    for_each_exchange(check_random_cuts);
}

static void check_drip(const struct test_exchange *exchange) {
    static const size_t recv_most[] = {1, 2, 3, 7, 64, 1000};
    for (size_t i = 0; i < sizeof recv_most / sizeof *recv_most; i++)
        assert_same_as_whole(exchange, (struct carriage){.recv_most = recv_most[i]});
}

TEST(input_that_drips_is_the_same) {
    for_each_exchange(check_drip);
}

static void check_short_sends(const struct test_exchange *exchange) {
    static const size_t send_most[] = {1, 7, 4096};
    for (size_t i = 0; i < sizeof send_most / sizeof *send_most; i++) {
        assert_same_as_whole(exchange, (struct carriage){.send_most = send_most[i]});
        assert_same_as_whole(exchange, (struct carriage){.send_most = send_most[i], .recv_most = 5});
    }
}

TEST(output_in_small_pieces_is_the_same) {
    for_each_exchange(check_short_sends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_is_answered),
        cmocka_unit_test(input_cut_in_two_anywhere_is_the_same),
        cmocka_unit_test(input_cut_in_three_is_the_same),
        cmocka_unit_test(input_that_drips_is_the_same),
        cmocka_unit_test(output_in_small_pieces_is_the_same),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
