/* What the request parser makes of a well-formed request, and its limits. */
#define _GNU_SOURCE
#include "protocol/path.h"
#include "protocol/scan.h"
#include "room.h"

static struct request parse_whole(const char *text, size_t len) {
    static char copy[4096];
    struct request request;
    size_t head_len = 0;
    assert_true(len <= sizeof copy);
    assert_int_equal(room_parse(copy, text, len, &request, &head_len), 0);
    assert_int_equal(head_len, len);
    return request;
}

#define PARSE(literal) parse_whole(literal, sizeof(literal) - 1)
#define assert_slice(slice, literal)                                                                                   \
    assert_true(slice_equal(slice, SLICE(literal)) || (print_error("%.*s\n", (int)(slice).len, (slice).at), false))

static void test_values(void **state) {
    (void)state;
    struct request request = PARSE("\r\nGET /a/b?c=d?e HTTP/1.1\r\nHost:x:80\r\nAccept: \t*/*\t \r\nX: y\r\n\r\n");
    assert_int_equal(request.method, METHOD_GET);
    assert_slice(request.method_name, "GET");
    assert_int_equal(request.minor_version, 1);
    assert_slice(request.line, "GET /a/b?c=d?e HTTP/1.1");
    assert_slice(request.target, "/a/b?c=d?e");
    assert_slice(request.path, "/a/b");
    assert_slice(request.query, "?c=d?e");
    assert_slice(request.authority, "x:80");
    assert_true(request.path_plain && request.keep_alive && !request.expect_continue);
    assert_int_equal(request.body, BODY_NONE);
    assert_int_equal(request.seen, 1 << FIELD_HOST | 1 << FIELD_ACCEPT);
    assert_slice(request_value(&request, FIELD_ACCEPT), "*/*");
    assert_slice(request_value(&request, FIELD_RANGE), "");
    assert_slice(request.lines, "Host:x:80\r\nAccept: \t*/*\t \r\nX: y\r\n");

    request = PARSE("HEAD hTTp://A:81?q HTTP/1.3\r\nHost: b\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(request.method, METHOD_HEAD);
    assert_slice(request.path, "/");
    assert_slice(request.query, "?q");
    assert_slice(request.authority, "A:81");
    assert_true(request.path_plain && request.expect_continue);
    assert_int_equal(request.minor_version, 1);
    assert_int_equal(request.body, BODY_LENGTH);
    assert_int_equal(request.body_len, 7);

    request = PARSE("OPTIONS * HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(request.method, METHOD_OPTIONS);
    assert_slice(request.path, "*");
    assert_true(!request.path_plain && !request.keep_alive && !request.expect_continue);
    assert_int_equal(request.minor_version, 0);
    assert_int_equal(request.authority.len, 0);
    assert_int_equal(request.lines.len, sizeof "Expect: 100-continue\r\n" - 1);

    request = PARSE("CONNECT a:443 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(request.method, METHOD_OTHER);
    assert_int_equal(request.path.len, 0);
    assert_slice(request.authority, "a:443");
    assert_false(request.keep_alive);
    assert_int_equal(request.body, BODY_CHUNKED);
    assert_int_equal(PARSE("GET https://a/.. HTTP/1.0\r\n\r\n").path_plain, false);
    assert_int_equal(PARSE("GETS / HTTP/1.0\r\n\r\n").method, METHOD_UNKNOWN);
    assert_int_equal(PARSE("PROPFIND / HTTP/1.0\r\n\r\n").method, METHOD_OTHER);
}

static void test_keep_alive(void **state) {
    (void)state;
#define KEEPS(version, lines) PARSE("GET / HTTP/" version "\r\nHost: a\r\n" lines "\r\n").keep_alive
    assert_true(KEEPS("1.1", ""));
    assert_true(KEEPS("1.1", "Connection: closed, enclose\r\n"));
    assert_false(KEEPS("1.1", "Connection: CLOSE\r\n"));
    assert_false(KEEPS("1.1", "Connection: keep-alive, x,close ,\r\n"));
    assert_false(KEEPS("1.1", "Connection: close\r\nX: y\r\nConnection: keep-alive\r\n"));
    assert_false(KEEPS("1.1", "Connection: keep-alive\r\nX: y\r\nconnection: close\r\n"));
    assert_false(KEEPS("1.0", ""));
    assert_true(KEEPS("1.0", "Connection: x, Keep-Alive\r\n"));
    assert_false(KEEPS("1.0", "Connection: close, keep-alive\r\n"));
}

static void test_repeated_lists(void **state) {
    (void)state;
    struct request request = PARSE("GET / HTTP/1.1\r\nIf-Match: \"a\"\r\nHost: a\r\nIF-MATCH:\r\nIf-Matc: x\r\n"
                                   "If-None-Match: z\r\nif-match: b\r\n\r\n");
    const char *const expected[] = {"\"a\"", "", "b"};
    struct slice value;
    size_t cursor = 0;
    assert_int_equal(request.repeated, 1 << FIELD_IF_MATCH);
    assert_slice(request_value(&request, FIELD_IF_MATCH), "\"a\"");
    for (size_t i = 0; i < 3; i++) {
        assert_true(request_next_line(&request, FIELD_IF_MATCH, &cursor, &value));
        assert_true(slice_equal(value, slice_of(expected[i])));
    }
    assert_false(request_next_line(&request, FIELD_IF_MATCH, &cursor, &value));
    cursor = 0;
    assert_true(request_next_line(&request, FIELD_IF_NONE_MATCH, &cursor, &value));
    assert_slice(value, "z");
    assert_false(request_next_line(&request, FIELD_IF_NONE_MATCH, &cursor, &value));
    cursor = 0;
    assert_false(request_next_line(&request, FIELD_ACCEPT, &cursor, &value));
}

static const char *const field_names[FIELD_COUNT] = {"Host",
                                                     "Connection",
                                                     "Content-Length",
                                                     "Transfer-Encoding",
                                                     "Expect",
                                                     "Range",
                                                     "If-Range",
                                                     "If-Match",
                                                     "If-None-Match",
                                                     "If-Modified-Since",
                                                     "If-Unmodified-Since",
                                                     "Accept",
                                                     "Accept-Encoding",
                                                     "Authorization",
                                                     "User-Agent",
                                                     "Referer",
                                                     "X-Forwarded-For",
                                                     "Forwarded",
                                                     "Sec-Fetch-Dest",
                                                     "Sec-Fetch-Mode",
                                                     "Origin"};

/* Every name in any case is known; with any one byte changed it is another's, or a bad one. */
static void test_field_names(void **state) {
    char text[128];
    struct request request;
    size_t head_len;
    (void)state;
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        const char *value = field == FIELD_CONTENT_LENGTH      ? "1"
                            : field == FIELD_TRANSFER_ENCODING ? "chunked"
                            : field == FIELD_EXPECT            ? "100-continue"
                                                               : "x";
        size_t name_len = strlen(field_names[field]);
        for (size_t at = 0; at < name_len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                int len = snprintf(text, sizeof text, "GET http://a/ HTTP/1.1\r\n%s:%s\r\n%s\r\n", field_names[field],
                                   value, field == FIELD_HOST ? "" : "Host: a\r\n");
                text[24 + at] = (char)byte;
                bool same = ascii_lower((char)byte) == ascii_lower(field_names[field][at]);
                int status = room_parse(room_end - len, text, (size_t)len, &request, &head_len);
                if (same)
                    assert_true(slice_equal(request_value(&request, (enum request_field)field), slice_of(value)));
                if (same || (status == 0 && byte != ':'))
                    assert_int_equal(request_has(&request, field), same);
                if (!scan_is((char)byte, SCAN_TOKEN) && (byte != ':' || at == 0))
                    assert_int_equal(status, 400);
            }
        }
    }
}

static void test_plain_paths(void **state) {
    static const char *const paths[] = {"/",
                                        "/a",
                                        "/a/",
                                        "/a/b.c",
                                        "/.a",
                                        "/..a",
                                        "/...",
                                        "/a./b..",
                                        "/.",
                                        "/./a",
                                        "/a/.",
                                        "/..",
                                        "/../a",
                                        "/a/..",
                                        "//",
                                        "/a//b",
                                        "/a//",
                                        "/%41",
                                        "/a/%",
                                        "/a/.../b",
                                        "/\xc3\xa4",
                                        "/.well-known/x",
                                        "/0123456789abc/d",
                                        "/0123456789abcd//e",
                                        "/0123456789abcd/./e",
                                        "/0123456789abcde/../e",
                                        "/0123456789abcde.",
                                        "/0123456789abcd/.",
                                        "/0123456789abcdefghijklmnopqrs/./",
                                        "/0123456789abcdefghijklmnopqrst//"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (int form = 0; form < 3; form++) {
            char text[256];
            int len = snprintf(text, sizeof text, "GET %s%s%s HTTP/1.0\r\n\r\n", form == 1 ? "http://a" : "", paths[i],
                               form == 2 ? "?//.%" : "");
            if (parse_whole(text, (size_t)len).path_plain != path_is_plain(slice_of(paths[i])))
                fail_msg("%s", text);
        }
    }
}

/* `count` bytes `fill` between two texts, in the room's last bytes. */
static int parse_filled(const char *before, char fill, size_t count, const char *after, size_t head_max) {
    size_t before_len = strlen(before), after_len = strlen(after), len = before_len + count + after_len, head_len;
    char *at = room_end - len;
    struct request request;
    memcpy(at, before, before_len);
    memset(at + before_len, fill, count);
    memcpy(at + before_len + count, after, after_len);
    return request_parse(at, len, head_max, &request, &head_len);
}

static void test_limits(void **state) {
    const char *rest = " HTTP/1.0\r\n\r\n";
    (void)state;
    assert_int_equal(parse_filled("GET /", 'a', TARGET_MAX - 1, rest, 64 * 1024), 0);
    assert_int_equal(parse_filled("GET /", 'a', TARGET_MAX, rest, 64 * 1024), 414);
    assert_int_equal(parse_filled("GET /", 'a', TARGET_MAX, "", 64 * 1024), 414);
    assert_int_equal(parse_filled("GET /", 'a', TARGET_MAX, "\n", 64 * 1024), 414);
    assert_int_equal(parse_filled("GET /?", 'a', TARGET_MAX - 2, rest, 64 * 1024), 0);
    assert_int_equal(parse_filled("GET /?", 'a', TARGET_MAX - 1, rest, 64 * 1024), 414);
    assert_int_equal(parse_filled("GET http://", 'a', TARGET_MAX - 7, rest, 64 * 1024), 0);
    assert_int_equal(parse_filled("GET http://", 'a', TARGET_MAX - 6, rest, 64 * 1024), 414);
    struct request request;
    size_t head_len;
    for (size_t len = PATH_LEN_MAX - 1; len <= PATH_LEN_MAX + 1; len++) {
        assert_int_equal(parse_filled("GET /", 'a', len, rest, 64 * 1024), 0);
        char *at = room_end - len - strlen(rest) - 5;
        request_parse(at, (size_t)(room_end - at), 64 * 1024, &request, &head_len);
        assert_int_equal(request.path_plain, path_is_plain(request.path));
    }
    assert_int_equal(parse_filled("GET /", 'a', 600, rest, 512), 414);
    assert_int_equal(parse_filled("GET /", 'a', 507, "", 512), 414);
    assert_int_equal(parse_filled("GET /", 'a', 506, "", 512), REQUEST_INCOMPLETE);
    assert_int_equal(parse_filled("", 'a', 512, "", 512), 501);
    assert_int_equal(parse_filled("GET / HTTP/1.0\r\nX: ", 'a', 1000, "\r\n\r\n", 1023), 0);
    assert_int_equal(parse_filled("GET / HTTP/1.0\r\nX: ", 'a', 1000, "\r\n\r\n", 1022), 431);
    assert_int_equal(parse_filled("GET / HTTP/1.0\r\nX: ", 'a', 1000, "\r\n\r\n and more", 1022), 431);
    assert_int_equal(parse_filled("GET / HTTP/1.0\r\nX: ", 'a', 1000, "", 1020), REQUEST_INCOMPLETE);
    assert_int_equal(parse_filled("GET / HTTP/1.0\r\nX: ", '\x01', 1000, "", 512), 400);
}

static void test_field_count(void **state) {
    char text[2048];
    struct request request;
    size_t head_len;
    (void)state;
    for (int count = FIELD_COUNT_MAX - 1; count <= FIELD_COUNT_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.0\r\n");
        for (int i = 0; i < count; i++, len += 6)
            memcpy(text + len, "X: y\r\n", 6);
        memcpy(text + len, "\r\n", 2);
        int expected = count > FIELD_COUNT_MAX ? 431 : 0;
        assert_int_equal(room_parse(room_end - len - 2, text, len + 2, &request, &head_len), expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),         cmocka_unit_test(test_keep_alive),
                                       cmocka_unit_test(test_repeated_lists), cmocka_unit_test(test_field_names),
                                       cmocka_unit_test(test_plain_paths),    cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_field_count)};
    return cmocka_run_group_tests(tests, room_setup, NULL);
}
