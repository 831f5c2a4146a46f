/* Connections that begin with a PROXY header, and requests that balancers forward: whom they are from, and for whom
   they count. 10.0.0.0/8 is trusted. */
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define GET_FROM(fields) "GET /small HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GET GET_FROM("")
#define V1 "PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n"
#define V2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x07\xc0\0\x02\x02\xdc\x04\0\x50\x04\0\0"
#define FOR(address) "X-Forwarded-For: " address "\r\n"

static struct engine engine;
static struct peer_trust trust;

/* The host's part: how many may count for one, and for whom this connection does. */
static uint64_t counted_key;
static bool full;

static bool count(struct conn *conn, uint64_t key) {
    assert_ptr_equal(conn, &engine.conn);
    counted_key = full ? 0 : key;
    return key == 0 || !full;
}

static uint64_t key_of(const char *text) {
    struct address address;
    assert_true(address_parse(slice_of(text), &address));
    return address_key(&address);
}

static void connect_from(const char *text) {
    assert_true(address_parse(slice_of(text), &engine.from));
    counted_key = 0;
    full = false;
    engine_connect(&engine);
}

static int open_engine(void **state) {
    (void)state;
    engine_open(&engine);
    trust.in_front.count = 1;
    assert_true(network_parse(SLICE("10.0.0.0/8"), &trust.in_front.networks[0]));
    engine.env.trust = &trust;
    engine.env.count = count;
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    return 0;
}

static int with_proxy_protocol(void **state) {
    (void)state;
    trust.proxy_protocol = true;
    trust.field = FORWARDED_X_FORWARDED_FOR;
    connect_from("10.0.0.1");
    return 0;
}

static int with_fields(void **state) {
    with_proxy_protocol(state);
    trust.proxy_protocol = false;
    connect_from("10.0.0.1");
    return 0;
}

static int hang_up(void **state) {
    (void)state;
    engine_hang_up(&engine);
    return 0;
}

static void assert_from(const char *text) {
    char got[ADDRESS_TEXT_MAX];
    address_format(&engine.from, got);
    assert_string_equal(got, text);
}

static void assert_asked_from(const char *text) {
    char got[ADDRESS_TEXT_MAX];
    address_format(&engine.asked_from, got);
    assert_string_equal(got, text);
}

static void assert_sends(const char *statuses) {
    char got[64];
    engine_send_all(&engine);
    engine_statuses(&engine.sent, got, sizeof got);
    assert_string_equal(got, statuses);
}

static void assert_closes(enum conn_end why) {
    assert_int_equal(engine_wants(&engine), OP_CLOSE);
    assert_int_equal(engine.sent.len, 0);
    assert_string_equal(conn_end_name(engine.conn.end), conn_end_name(why));
}

#define FEED(literal) engine_feed(&engine, literal, sizeof(literal) - 1)

TEST(what_is_behind_a_header_is_answered) {
    FEED(V1 GET GET);
    assert_sends("200 200 ");
    assert_from("192.0.2.1");
    assert_asked_from("192.0.2.1");
    assert_int_equal(engine.from.port, 56324);
    assert_int_equal(counted_key, key_of("192.0.2.1"));
}

TEST(a_header_may_come_alone) {
    FEED(V2);
    assert_true(conn_idle(&engine.conn));
    assert_from("192.0.2.7");
    FEED(GET);
    assert_sends("200 ");
}

static void carry(const char *bytes, size_t len, size_t cut, const char *statuses) {
    struct carriage carriage = {.cut = {cut}, .fail_with = 1};
    char got[64];
    assert_true(address_parse(SLICE("10.0.0.1"), &engine.from));
    struct outcome outcome = engine_carry(&engine, bytes, len, &carriage);
    engine_statuses(&engine.sent, got, sizeof got);
    if (strcmp(got, statuses) != 0 || outcome.ending != (*statuses ? WAITS : CLOSES))
        fail_msg("cut at %zu: '%s', ending %d", cut, got, (int)outcome.ending);
    if (*statuses)
        assert_true(counted_key == key_of("192.0.2.1") || counted_key == key_of("192.0.2.7"));
}

#define CUTS(literal, statuses)                                                                                        \
    for (size_t cut = 1; cut < sizeof(literal) - 1; cut++)                                                             \
    carry(literal, sizeof(literal) - 1, cut, statuses)

TEST(it_is_the_same_cut_anywhere) {
    CUTS(V1 GET GET, "200 200 ");
    CUTS(V2 GET GET, "200 200 ");
    CUTS(GET, "");
    CUTS("PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n" GET, "");
    engine_connect(&engine);
}

TEST(it_is_the_same_dripped) {
    struct carriage carriage = {.recv_most = 1, .fail_with = 1};
    char got[64];
    assert_int_equal(engine_carry(&engine, V2 GET GET, sizeof(V2 GET GET) - 1, &carriage).ending, WAITS);
    engine_statuses(&engine.sent, got, sizeof got);
    assert_string_equal(got, "200 200 ");
    engine_connect(&engine);
}

TEST(no_header_is_no_answer) {
    FEED(GET);
    assert_closes(END_PROXY_HEADER);
}

TEST(a_header_as_long_as_may_be_is_taken_and_no_longer) {
    static char bytes[HEAD_MAX + 1] = "\r\n\r\n\0\r\nQUIT\n\x21\x11";
    size_t rest = HEAD_MAX - 16;
    bytes[14] = (char)(rest >> 8), bytes[15] = (char)rest;
    engine_feed(&engine, bytes, 100);
    engine_feed(&engine, bytes + 100, HEAD_MAX - 100);
    assert_true(conn_idle(&engine.conn));
    FEED(GET);
    assert_sends("200 ");
    engine_hang_up(&engine);
    connect_from("10.0.0.1");
    bytes[14] = (char)((rest + 1) >> 8), bytes[15] = (char)(rest + 1);
    engine_feed(&engine, bytes, 100);
    assert_closes(END_PROXY_HEADER);
}

TEST(a_second_header_is_no_request) {
    FEED(V1 V1 GET);
    assert_sends("400 ");
}

TEST(who_is_not_trusted_is_a_client_like_any) {
    engine_hang_up(&engine);
    connect_from("192.0.2.99");
    FEED(GET);
    assert_sends("200 ");
    FEED(V1);
    assert_sends("200 400 ");
    assert_from("192.0.2.99");
}

TEST(a_health_check_is_from_whom_it_is_from) {
    FEED("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" GET);
    assert_sends("200 ");
    assert_from("10.0.0.1");
    assert_int_equal(counted_key, 0);
}

TEST(silence_ends_as_that_of_any_client) {
    assert_true(conn_idle(&engine.conn));
    assert_int_equal(conn_deadline(&engine.conn), engine.env.clock.now_ms + IDLE_MS);
    conn_done(&engine.conn, -ETIMEDOUT);
    assert_closes(END_IDLE);
}

TEST(a_header_and_the_head_behind_it_have_one_deadline) {
    uint64_t until_ms = engine.env.clock.now_ms + HEADER_MS;
    FEED("PROX");
    assert_false(conn_idle(&engine.conn));
    assert_int_equal(conn_deadline(&engine.conn), until_ms);
    engine_pass(&engine, 1000);
    FEED("Y TCP4 192.0.2.1 192.0.2.2 ");
    assert_int_equal(conn_deadline(&engine.conn), until_ms);
    engine_pass(&engine, 1000);
    FEED("56324 80\r\nGET /");
    assert_int_equal(conn_deadline(&engine.conn), until_ms);
}

TEST(a_header_that_is_late_is_no_answer) {
    FEED("PROXY TCP4 ");
    conn_done(&engine.conn, -ETIMEDOUT);
    assert_closes(END_PROXY_HEADER);
}

TEST(one_too_many_is_closed_behind_its_header) {
    full = true;
    FEED(V1 GET);
    assert_closes(END_MAX_PER_IP);
}

TEST(a_header_and_a_field_are_both_heard) {
    FEED("PROXY TCP4 10.0.0.2 10.0.0.3 1 2\r\n" GET_FROM(FOR("192.0.2.5")));
    assert_int_equal(counted_key, key_of("192.0.2.5"));
    assert_sends("200 ");
    assert_from("10.0.0.2");
}

TEST(the_field_of_one_behind_a_header_is_not_heard) {
    FEED(V1 GET_FROM(FOR("192.0.2.5")));
    assert_int_equal(counted_key, key_of("192.0.2.1"));
    assert_sends("200 ");
    assert_int_equal(counted_key, key_of("192.0.2.1"));
}

TEST(a_request_counts_for_whom_it_is_from_while_it_is_answered) {
    FEED(GET_FROM(FOR("203.0.113.9, 192.0.2.5")));
    assert_int_equal(counted_key, key_of("192.0.2.5"));
    assert_sends("200 ");
    assert_int_equal(counted_key, 0);
    FEED(GET_FROM(FOR("192.0.2.6")));
    assert_int_equal(counted_key, key_of("192.0.2.6"));
    assert_asked_from("192.0.2.6");
    assert_sends("200 200 ");
    FEED(GET);
    assert_asked_from("10.0.0.1");
    assert_int_equal(counted_key, 0);
    assert_sends("200 200 200 ");
    FEED("G E T\r\n");
    assert_asked_from("10.0.0.1");
    assert_sends("200 200 200 400 ");
}

TEST(one_too_many_is_429_and_its_connection_stays) {
    full = true;
    FEED(GET_FROM(FOR("192.0.2.5")) GET);
    assert_sends("429 200 ");
    full = false;
    FEED(GET_FROM(FOR("192.0.2.5")));
    assert_sends("429 200 200 ");
}

TEST(who_leaves_before_the_answer_was_the_one_that_asked) {
    FEED("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n" FOR("192.0.2.5") "\r\nx");
    conn_done(&engine.conn, 0);
    assert_asked_from("192.0.2.5");
    assert_int_equal(engine.told[0].status, STATUS_CLIENT_LEFT);
}

TEST(the_other_field_is_heard_where_that_is_said) {
    trust.field = FORWARDED_FORWARDED;
    FEED(GET_FROM("Forwarded: for=\"[2001:db8::1]\"\r\n" FOR("192.0.2.5")));
    assert_int_equal(counted_key, key_of("2001:db8::1"));
    assert_sends("200 ");
}

TEST(the_field_of_who_is_not_trusted_is_not_heard) {
    engine_hang_up(&engine);
    connect_from("192.0.2.99");
    full = true;
    FEED(GET_FROM(FOR("192.0.2.5")));
    assert_sends("200 ");
}

/* By a reload. A connection counts for whom it is from while that one isn't trusted. */
TEST(whom_to_trust_may_change_between_two_requests) {
    FEED(GET_FROM(FOR("192.0.2.5")));
    assert_asked_from("192.0.2.5");
    assert_sends("200 ");
    trust.in_front.count = 0;
    for (int i = 0; i < 2; i++) {
        FEED(GET_FROM(FOR("192.0.2.5")));
        assert_asked_from("10.0.0.1");
        engine_send_all(&engine);
        assert_int_equal(counted_key, key_of("10.0.0.1"));
    }
    trust.in_front.count = 1;
    FEED(GET_FROM(FOR("192.0.2.5")));
    assert_asked_from("192.0.2.5");
    assert_int_equal(counted_key, key_of("192.0.2.5"));
    assert_sends("200 200 200 200 ");
    assert_int_equal(counted_key, 0);
}

#define PROXIED(name) cmocka_unit_test_setup_teardown(name, with_proxy_protocol, hang_up)
#define FORWARDED(name) cmocka_unit_test_setup_teardown(name, with_fields, hang_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        PROXIED(what_is_behind_a_header_is_answered),
        PROXIED(a_header_may_come_alone),
        PROXIED(it_is_the_same_cut_anywhere),
        PROXIED(it_is_the_same_dripped),
        PROXIED(no_header_is_no_answer),
        PROXIED(a_header_as_long_as_may_be_is_taken_and_no_longer),
        PROXIED(a_second_header_is_no_request),
        PROXIED(who_is_not_trusted_is_a_client_like_any),
        PROXIED(a_health_check_is_from_whom_it_is_from),
        PROXIED(silence_ends_as_that_of_any_client),
        PROXIED(a_header_and_the_head_behind_it_have_one_deadline),
        PROXIED(a_header_that_is_late_is_no_answer),
        PROXIED(one_too_many_is_closed_behind_its_header),
        PROXIED(a_header_and_a_field_are_both_heard),
        PROXIED(the_field_of_one_behind_a_header_is_not_heard),
        FORWARDED(a_request_counts_for_whom_it_is_from_while_it_is_answered),
        FORWARDED(one_too_many_is_429_and_its_connection_stays),
        FORWARDED(who_leaves_before_the_answer_was_the_one_that_asked),
        FORWARDED(the_other_field_is_heard_where_that_is_said),
        FORWARDED(the_field_of_who_is_not_trusted_is_not_heard),
        FORWARDED(whom_to_trust_may_change_between_two_requests),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
