/* protocol/proxy_header.h: both versions, every cut of them, and what is no header. */
#define _GNU_SOURCE
#include "protocol/proxy_header.h"

#include "room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_ADDRESSES "\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\0\x50"
#define V6_ADDRESSES                                                                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xdc\x04\0\x50"
#define TEN(text) text text text text text text text text text text

enum { MAX = 600 };

struct header {
    const char *bytes;
    size_t len;
    const char *from; /* NULL: ADDRESS_NONE, "bad": it is none */
    unsigned port;
};

#define HEADER(text, ...)                                                                                              \
    { text, sizeof(text) - 1, __VA_ARGS__ }

static const struct header headers[] = {
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n", "192.0.2.1", 56324),
    HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535),
    HEADER("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "2001:db8::1", 56324),
    HEADER("PROXY TCP6 ::ffff:192.0.2.1 ::1 0 0\r\n", "192.0.2.1", 0),
    HEADER("PROXY UNKNOWN\r\n", NULL, 0),
    HEADER("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", NULL, 0),
    HEADER("PROXY UNKNOWN " TEN("123456789") "\r\n", NULL, 0), /* 106 bytes */

    HEADER("PROXY\r\n", "bad", 0),
    HEADER("PROXY \r\n", "bad", 0),
    HEADER("PROXY TCP4\r\n", "bad", 0),
    HEADER("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1:1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP6 192.0.2.1:1 192.0.2.2:2 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n", "bad", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "bad", 0),
    HEADER("PROXY UNKNOWNX\r\n", "bad", 0),
    HEADER("PROXY UNKNOWN " TEN("123456789") "ab\r\n", "bad", 0), /* 108 bytes */
    HEADER("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad", 0),
    HEADER("\r\n\r\nGET / HTTP/1.1\r\n", "bad", 0),

    HEADER(SIGNATURE "\x21\x11\0\x0c" V4_ADDRESSES, "192.0.2.1", 56324),
    HEADER(SIGNATURE "\x21\x12\0\x0c" V4_ADDRESSES, "192.0.2.1", 56324),
    HEADER(SIGNATURE "\x21\x21\0\x24" V6_ADDRESSES, "2001:db8::1", 56324),
    HEADER(SIGNATURE "\x21\x11\0\x13" V4_ADDRESSES "\x04\0\x04"
                     "none",
           "192.0.2.1", 56324),
    HEADER(SIGNATURE "\x21\x31\0\xd8" TEN(TEN("ab")) TEN("a") "123456", NULL, 0), /* a unix socket */
    HEADER(SIGNATURE "\x21\0\0\0", NULL, 0),
    HEADER(SIGNATURE "\x20\0\0\0", NULL, 0),
    HEADER(SIGNATURE "\x20\x11\0\x0c" V4_ADDRESSES, NULL, 0),
    HEADER(SIGNATURE "\x20\xff\0\x03"
                     "abc",
           NULL, 0),

    HEADER("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x11\x11\0\x0c" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x22\x11\0\x0c" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x21\x11\0\x0b" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x21\x21\0\x23" V6_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x21\x31\0\xd7" TEN(TEN("ab")) TEN("a") "123456", "bad", 0),
    HEADER(SIGNATURE "\x21\x41\0\x0c" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x21\x13\0\x0c" V4_ADDRESSES, "bad", 0),
    HEADER(SIGNATURE "\x21\x11\x02\x49" V4_ADDRESSES, "bad", 0), /* 601 bytes */
    HEADER(SIGNATURE "\x20\0\xff\xff", "bad", 0),
};

static void assert_judged(const struct header *header, const char *bytes, size_t len, ssize_t expected) {
    char text[ADDRESS_TEXT_MAX];
    struct address from;
    ssize_t got = proxy_header_parse(memcpy(room_end - len, bytes, len), len, MAX, &from);
    if (got != expected)
        fail_msg("'%.40s', %zu of %zu bytes: %zd", header->bytes, len, header->len, got);
    if (got <= 0)
        return;
    address_format(&from, text);
    assert_string_equal(text, header->from ? header->from : "-");
    assert_int_equal(from.port, header->port);
}

static bool is_bad(const struct header *header) {
    return header->from && strcmp(header->from, "bad") == 0;
}

TEST(a_header_is_judged_whole_and_whatever_follows) {
    char more[1024];
    for (size_t i = 0; i < COUNT(headers); i++) {
        const struct header *header = &headers[i];
        ssize_t expected = is_bad(header) ? PROXY_HEADER_BAD : (ssize_t)header->len;
        assert_judged(header, header->bytes, header->len, expected);
        memcpy(more, header->bytes, header->len);
        memset(more + header->len, 'x', 700);
        assert_judged(header, more, header->len + 700, expected);
        memcpy(more + header->len, headers[0].bytes, headers[0].len);
        assert_judged(header, more, header->len + headers[0].len, expected);
    }
}

TEST(of_a_header_cut_anywhere_nothing_is_wrong) {
    for (size_t i = 0; i < COUNT(headers); i++)
        for (size_t len = 0; len < headers[i].len && !is_bad(&headers[i]); len++)
            assert_judged(&headers[i], headers[i].bytes, len, PROXY_HEADER_INCOMPLETE);
}

/* Once a beginning is bad it stays so. */
TEST(a_bad_beginning_is_bad_however_it_goes_on) {
    for (size_t i = 0; i < COUNT(headers); i++) {
        bool was_bad = false;
        for (size_t len = 0; len <= headers[i].len; len++) {
            struct address from;
            char *bytes = memcpy(room_end - len, headers[i].bytes, len);
            bool bad = proxy_header_parse(bytes, len, MAX, &from) == PROXY_HEADER_BAD;
            assert_true(bad || !was_bad);
            was_bad = bad;
        }
        assert_int_equal(was_bad, is_bad(&headers[i]));
    }
}

TEST(it_must_end_within_the_bound) {
    struct address from;
    const struct header *v1 = &headers[0];
    assert_int_equal(proxy_header_parse(v1->bytes, v1->len - 1, v1->len - 1, &from), PROXY_HEADER_BAD);
    assert_int_equal(proxy_header_parse(v1->bytes, v1->len, v1->len, &from), v1->len);
    static const char v2[] = SIGNATURE "\x20\0\x02\x48";
    assert_int_equal(proxy_header_parse(v2, sizeof v2 - 1, MAX, &from), PROXY_HEADER_INCOMPLETE);
    assert_int_equal(proxy_header_parse(v2, sizeof v2 - 1, MAX - 1, &from), PROXY_HEADER_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_judged_whole_and_whatever_follows),
        cmocka_unit_test(of_a_header_cut_anywhere_nothing_is_wrong),
        cmocka_unit_test(a_bad_beginning_is_bad_however_it_goes_on),
        cmocka_unit_test(it_must_end_within_the_bound),
    };
    return cmocka_run_group_tests(tests, room_setup, NULL);
}
