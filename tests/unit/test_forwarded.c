/* protocol/forwarded.h: whom a request is from, behind proxies of which 10.0.0.0/8 and 2001:db8:ffff::/48 are trusted
   and 10.0.0.1 is whom we have it from. */
#define _GNU_SOURCE
#include "protocol/forwarded.h"

#include "room.h"

#include <string.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define XFF "X-Forwarded-For: "
#define FWD "Forwarded: "

struct row {
    const char *lines, *from; /* with '!' before it: it is one that is trusted */
};

static const struct row x_forwarded_for[] = {
    {"", "!10.0.0.1"},
    {XFF "\r\n", "!10.0.0.1"},
    {XFF ", ,\r\n", "!10.0.0.1"},
    {XFF "192.0.2.1\r\n", "192.0.2.1"},
    {"x-forwarded-FOR:192.0.2.1\r\n", "192.0.2.1"},
    {XFF "192.0.2.1:4711\r\n", "192.0.2.1"},
    {XFF "2001:db8::1\r\n", "2001:db8::1"},
    {XFF "[2001:db8::1]:4711\r\n", "2001:db8::1"},
    {XFF "::ffff:192.0.2.1\r\n", "192.0.2.1"},
    {XFF "203.0.113.9, 192.0.2.1\r\n", "192.0.2.1"},
    {XFF "203.0.113.9, 192.0.2.1, \r\n", "192.0.2.1"},
    {XFF "203.0.113.9,192.0.2.1\t, 10.0.0.2 ,10.0.0.3\r\n", "192.0.2.1"},
    {XFF "192.0.2.1, 2001:db8:ffff::5, ::ffff:10.9.9.9\r\n", "192.0.2.1"},
    {XFF "10.0.0.3, 10.0.0.2\r\n", "!10.0.0.3"},
    {XFF "unknown, 10.0.0.2\r\n", "!10.0.0.2"},
    {XFF "192.0.2.1, unknown\r\n", "!10.0.0.1"},
    {XFF "192.0.2.1, _x, 10.0.0.2\r\n", "!10.0.0.2"},
    {XFF "192.0.2.1, 10.0.0.256, 10.0.0.2\r\n", "!10.0.0.2"},
    {XFF "192.0.2.1, 10.0.0.5:, 10.0.0.2\r\n", "!10.0.0.2"},
    {XFF "\"192.0.2.1\"\r\n", "!10.0.0.1"},
    {XFF "\", 192.0.2.1\r\n", "192.0.2.1"},
    {XFF "203.0.113.9\r\n" XFF "192.0.2.1\r\n", "192.0.2.1"},
    {XFF "203.0.113.9, 192.0.2.1\r\n" XFF "10.0.0.2\r\n", "192.0.2.1"},
    {XFF "192.0.2.1\r\nAccept: */*\r\n" XFF "\r\n" XFF "10.0.0.2\r\n", "192.0.2.1"},
    {XFF "192.0.2.1\r\n" XFF "nonsense\r\n", "!10.0.0.1"},
    {FWD "for=192.0.2.1\r\n", "!10.0.0.1"}, /* the other field is its client's own */
    {XFF "192.0.2.1\r\n" FWD "for=203.0.113.9\r\n", "192.0.2.1"},
};

static const struct row forwarded[] = {
    {"", "!10.0.0.1"},
    {FWD "for=192.0.2.1\r\n", "192.0.2.1"},
    {FWD "For=192.0.2.1;proto=https;by=203.0.113.43\r\n", "192.0.2.1"},
    {FWD "proto=https ; for=192.0.2.1 ; host=a\r\n", "192.0.2.1"},
    {FWD "for=\"192.0.2.1:4711\"\r\n", "192.0.2.1"},
    {FWD "for=\"[2001:db8::1]\"\r\n", "2001:db8::1"},
    {FWD "for=\"[2001:db8::1]:4711\"\r\n", "2001:db8::1"},
    {FWD "for=\"2001:db8::1\"\r\n", "!10.0.0.1"},
    {FWD "for=203.0.113.9, for=192.0.2.1, for=10.0.0.2\r\n", "192.0.2.1"},
    {FWD "for=203.0.113.9\r\n" FWD "for=192.0.2.1\r\n" FWD "for=10.0.0.2\r\n", "192.0.2.1"},
    {FWD "for=\"_gazonk\"\r\n", "!10.0.0.1"},
    {FWD "for=192.0.2.1, for=unknown, for=10.0.0.2\r\n", "!10.0.0.2"},
    {FWD "for=192.0.2.1, proto=https\r\n", "!10.0.0.1"},
    {FWD "for=192.0.2.1;for=192.0.2.2\r\n", "!10.0.0.1"},
    {FWD "xfor=192.0.2.1\r\n", "!10.0.0.1"},
    {FWD "for =192.0.2.1\r\n", "!10.0.0.1"},
    {FWD "for=\r\n", "!10.0.0.1"},
    {FWD "for=\"\r\n", "!10.0.0.1"},
    {FWD "for=\"192.0.2.1\r\n", "!10.0.0.1"},
    {FWD "for=192.0.2.1;host=\"a,b;for=203.0.113.9\"\r\n", "192.0.2.1"},
    {FWD "for=192.0.2.1;host=\"a\\\",for=203.0.113.9\"\r\n", "192.0.2.1"},
    {FWD "for=192.0.2.1;host=\"a\\\\\"\r\n", "192.0.2.1"},
    /* what a client opens, its balancer need not close */
    {FWD "for=\"203.0.113.9, for=192.0.2.1\r\n", "192.0.2.1"},
    {FWD "for=203.0.113.9;host=\", for=192.0.2.1\r\n", "192.0.2.1"},
    {FWD "for=203.0.113.9;host=\", for=\"[2001:db8::1]\"\r\n", "2001:db8::1"},
    {FWD "for=203.0.113.9;host=\", for=192.0.2.1;host=\"x\\\"y\"\r\n", "192.0.2.1"},
    {XFF "192.0.2.1\r\n", "!10.0.0.1"},
};

static struct network_list trusted = {.count = 2};
static struct address peer;

static bool find(const char *lines, enum forwarded_field field, struct address *from) {
    static char text[HEAD_MAX_DEFAULT];
    struct request request;
    size_t head_len, len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    assert_int_equal(room_parse(room_end - len, text, len, &request, &head_len), 0);
    return forwarded_find(&request, field, &trusted, &peer, from);
}

static void check(const struct row *row, enum forwarded_field field) {
    struct address from;
    char got[1 + ADDRESS_TEXT_MAX] = "!";
    bool beyond = find(row->lines, field, &from);
    address_format(&from, got + !beyond);
    if (strcmp(got, row->from) != 0)
        fail_msg("%s: %s", row->lines, got);
}

TEST(x_forwarded_for_is_walked_from_the_right) {
    for (size_t i = 0; i < COUNT(x_forwarded_for); i++)
        check(&x_forwarded_for[i], FORWARDED_X_FORWARDED_FOR);
}

TEST(forwarded_is_walked_from_the_right) {
    for (size_t i = 0; i < COUNT(forwarded); i++)
        check(&forwarded[i], FORWARDED_FORWARDED);
}

TEST(as_many_lines_as_may_be_are_walked) {
    char lines[HEAD_MAX_DEFAULT] = XFF "192.0.2.1\r\n";
    struct address from;
    for (int i = 2; i < FIELD_COUNT_MAX; i++)
        strcat(lines, XFF "10.0.0.2\r\n");
    assert_true(find(lines, FORWARDED_X_FORWARDED_FOR, &from));
}

static int setup(void **state) {
    assert_true(network_parse(SLICE("10.0.0.0/8"), &trusted.networks[0]));
    assert_true(network_parse(SLICE("2001:db8:ffff::/48"), &trusted.networks[1]));
    assert_true(address_parse(SLICE("10.0.0.1"), &peer));
    return room_setup(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x_forwarded_for_is_walked_from_the_right),
        cmocka_unit_test(forwarded_is_walked_from_the_right),
        cmocka_unit_test(as_many_lines_as_may_be_are_walked),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
