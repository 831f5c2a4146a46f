/* The request parser, row by row of its contract. Every row is parsed flush against a guard page, cut at every byte, at
   every alignment and by every way of scanning that the machine has. */
#include "bounds.h"
#include "path.h"
#include "request.h"
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 128 * 1024, ALIGNMENTS = 64 };

static char *room;     /* ROOM bytes, with a page before and one after that can't be touched */
static char *room_end;

static int setup(void **state) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    char *all = mmap(NULL, ROOM + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, ROOM, PROT_READ | PROT_WRITE) != 0)
        return -1;
    room = all + page;
    room_end = room + ROOM;
    return 0;
}

static void check_inside(struct slice slice, const char *bytes, size_t len) {
    if (slice.len == 0)
        return;
    assert_true(slice.at >= bytes);
    assert_true(slice.at + slice.len <= bytes + len);
}

static void check_slices(const struct request *request, const char *bytes, size_t len) {
    const struct slice slices[] = {request->method_name, request->line,      request->target, request->path,
                                   request->query,       request->authority, request->lines};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        check_inside(slices[i], bytes, len);
    for (enum request_field field = 0; field < FIELD_COUNT; field++) {
        struct slice value;
        check_inside(request_value(request, field), bytes, len);
        for (size_t cursor = 0; request_next_line(request, field, &cursor, &value);)
            check_inside(value, bytes, len);
    }
}

/* Parses a copy at `at`. */
static int parse_at(char *at, const char *bytes, size_t len, struct request *request, size_t *head_len) {
    memcpy(at, bytes, len);
    *head_len = (size_t)-1;
    memset(request, 0xa5, sizeof *request);
    int status = request_parse(at, len, HEAD_MAX_DEFAULT, request, head_len);
    if (status == 0) {
        assert_true(*head_len <= len);
        check_slices(request, at, len);
    } else {
        check_inside(request->line, at, len);
        check_inside(request->method_name, at, len);
    }
    return status;
}

static void fail_at(const char *what, const char *bytes, size_t len, int got, int expected) {
    fail_msg("%s: %.*s [%zu bytes] gave %d, not %d", what, (int)len, bytes, len, got, expected);
}

/* The verdict on these bytes, after checking that neither cut, alignment nor following bytes change it. */
static int verdict(const char *bytes, size_t len) {
    struct request request;
    size_t head_len, other_len;
    int status = parse_at(room_end - len, bytes, len, &request, &head_len);
    for (size_t align = 0; align < ALIGNMENTS; align++)
        if (parse_at(room + align, bytes, len, &request, &other_len) != status)
            fail_at("moved", bytes, len, -2, status);
    bool settled = false;
    size_t whole = status == 0 ? head_len : len;
    for (size_t cut = 0; cut < whole; cut++) {
        int early = parse_at(room_end - cut, bytes, cut, &request, &other_len);
        if (early != REQUEST_INCOMPLETE ? early != status || status == 0 : settled)
            fail_at("cut", bytes, cut, early, status);
        settled = early != REQUEST_INCOMPLETE;
    }
    if (status != REQUEST_INCOMPLETE && len < 1024) {
        static const char after[] = "\0\r\n GET / HTTP/1.1\r\nHost: a, b\r\n\r\n\xff and more of it ................";
        char longer[2048];
        memcpy(longer, bytes, whole);
        for (size_t more = 0; more < sizeof after; more++) {
            memcpy(longer + whole, after, more);
            int late = parse_at(room_end - whole - more, longer, whole + more, &request, &other_len);
            if (late != status || other_len != head_len)
                fail_at("followed", bytes, len, late, status);
        }
    }
    return status;
}

struct row {
    int status;
    const char *bytes;
    size_t len;
};

#define ROW(status, literal) {status, literal, sizeof(literal) - 1}
#define LINE(status, literal) ROW(status, literal "\r\nHost: a\r\n\r\n")
#define FIELD(status, literal) ROW(status, "GET / HTTP/1.1\r\nHost: a\r\n" literal "\r\n\r\n")
#define FIELD10(status, literal) ROW(status, "GET / HTTP/1.0\r\n" literal "\r\n\r\n")
#define HOST(status, literal) ROW(status, "GET / HTTP/1.1\r\nHost: " literal "\r\n\r\n")
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void check_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int status = verdict(rows[i].bytes, rows[i].len);
        if (status != rows[i].status)
            fail_at("row", rows[i].bytes, rows[i].len, status, rows[i].status);
    }
}

static void test_lines(void **state) {
    static const struct row rows[] = {
        ROW(0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(0, "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        ROW(400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
        ROW(400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
        ROW(400, "GET / HTTP/1.1\r\n\r\n"),
        ROW(0, "GET / HTTP/1.0\r\n\r\n"),
        ROW(400, "\x16\x03\x01\x02"),
        ROW(400, "\0"),
        ROW(400, "\x80"),
        ROW(400, "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
        ROW(400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ROW(400, "SSH-2.0-OpenSSH_9.2\r\n"),
        ROW(REQUEST_INCOMPLETE, ""),
        ROW(REQUEST_INCOMPLETE, "GE"),
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void test_request_lines(void **state) {
    static const struct row rows[] = {
        LINE(400, "GET  / HTTP/1.1"), LINE(400, "GET /  HTTP/1.1"), LINE(400, "GET / HTTP/1.1 "),
        LINE(400, "GET\t/ HTTP/1.1"), LINE(400, "GET /\tHTTP/1.1"), LINE(400, "GET /"), LINE(400, "GET / "),
        LINE(400, "GET"), LINE(400, "G(T / HTTP/1.1"), LINE(400, "GET: / HTTP/1.1"), LINE(400, "G\x80T / HTTP/1.1"),
        LINE(0, "get / HTTP/1.1"), LINE(0, "!#$%&'*+-.^_`|~09az / HTTP/1.1"), LINE(0, "X / HTTP/1.1"),
        LINE(0, "GET / HTTP/1.0"), LINE(0, "GET / HTTP/1.9"), LINE(505, "GET / HTTP/2.0"), LINE(505, "GET / HTTP/9.9"),
        LINE(400, "GET / HTTP/0.9"), LINE(400, "GET / HTTP/1.10"), LINE(400, "GET / HTTP/10.1"),
        LINE(400, "GET / HTTP/1,1"), LINE(400, "GET / HTTP/1"), LINE(400, "GET / HTTP/2"), LINE(400, "GET / HTTP/1.x"),
        LINE(400, "GET / http/1.1"), LINE(400, "GET / HTTPS/1.1"), LINE(400, "GET / HTTP/ 1.1"),
        LINE(400, "GET / ICY/1.1"), LINE(400, "GET / HTTP/-1.1"),
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void test_targets(void **state) {
    static const struct row rows[] = {
        LINE(0, "GET /a?b?c/d HTTP/1.1"), LINE(0, "GET //evil HTTP/1.1"), LINE(0, "GET /%zz HTTP/1.1"),
        LINE(0, "GET /\xc3\xa4?\xff HTTP/1.1"), LINE(0, "GET /:@!$&'()*+,;=-._~[]?/[] HTTP/1.1"),
        LINE(400, "GET a HTTP/1.1"), LINE(400, "GET ?a HTTP/1.1"), LINE(400, "GET ../a HTTP/1.1"),
        LINE(400, "GET * HTTP/1.1"), LINE(0, "OPTIONS * HTTP/1.1"), LINE(400, "OPTIONS ** HTTP/1.1"),
        LINE(400, "OPTIONS */ HTTP/1.1"), LINE(400, "OPTIONS *?a HTTP/1.1"), LINE(0, "OPTIONS /a HTTP/1.1"),
        LINE(0, "GET http://a HTTP/1.1"), LINE(0, "GET HTTPS://a.b:8080/c?d HTTP/1.1"),
        LINE(0, "GET http://a?b HTTP/1.1"), LINE(400, "GET http:// HTTP/1.1"), LINE(400, "GET http:///a HTTP/1.1"),
        LINE(400, "GET http:/a HTTP/1.1"), LINE(400, "GET http HTTP/1.1"), LINE(400, "GET https:// HTTP/1.1"),
        LINE(400, "GET ftp://a/ HTTP/1.1"), LINE(400, "GET http://u@a/ HTTP/1.1"),
        LINE(400, "GET http://u:p@a/ HTTP/1.1"), LINE(400, "GET http://:80/ HTTP/1.1"),
        LINE(400, "GET http://a:b/ HTTP/1.1"), LINE(400, "GET http://\xc3\xa4/ HTTP/1.1"),
        LINE(0, "GET http://[::1]:80/ HTTP/1.1"), LINE(400, "GET http://[::1/ HTTP/1.1"),
        LINE(400, "GET a:80 HTTP/1.1"), LINE(0, "CONNECT a:80 HTTP/1.1"), LINE(0, "CONNECT [::1]:443 HTTP/1.1"),
        LINE(400, "CONNECT a HTTP/1.1"), LINE(400, "CONNECT / HTTP/1.1"), LINE(400, "CONNECT http://a/ HTTP/1.1"),
        LINE(400, "CONNECT :80 HTTP/1.1"), LINE(400, "CONNECT * HTTP/1.1"), LINE(0, "POST / HTTP/1.1"),
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void test_hosts(void **state) {
    static const struct row rows[] = {
        HOST(0, ""), HOST(0, " \t a.example\t "), HOST(0, "a:80"), HOST(0, "a:"), HOST(0, "a:65535"),
        HOST(0, "192.0.2.1:8080"), HOST(0, "a_b-c~d.e"), HOST(0, "a%41%ff"), HOST(0, "!$&'()*+;="), HOST(0, "a,b"),
        HOST(400, ":80"), HOST(400, "a:65536"), HOST(400, "a:99999999999999999999"), HOST(400, "a:8 0"),
        HOST(400, "a:80:80"), HOST(400, "a:-1"), HOST(400, "a b"), HOST(400, "a/b"), HOST(400, "u@a"), HOST(400, "a?"),
        HOST(400, "a#"), HOST(400, "a%4"), HOST(400, "a%4g"), HOST(400, "a%"), HOST(400, "\xc3\xa4"), HOST(400, "a\\b"),
        HOST(0, "[::1]"), HOST(0, "[::]"), HOST(0, "[::1]:8080"), HOST(0, "[1:2:3:4:5:6:7:8]"), HOST(0, "[1::8]"),
        HOST(0, "[2001:DB8::a:b]"), HOST(0, "[::ffff:192.0.2.1]"), HOST(0, "[1:2:3:4:5:6:1.2.3.4]"), HOST(0, "[1::]"),
        HOST(0, "[::1.2.3.4]"), HOST(0, "[v1.a:b]"), HOST(400, "[]"), HOST(400, "[::1"), HOST(400, "::1"),
        HOST(400, "[:]"), HOST(400, "[:1::2]"), HOST(400, "[1:::2]"), HOST(400, "[1::2::3]"), HOST(400, "[12345::]"),
        HOST(400, "[1:2:3:4:5:6:7]"), HOST(400, "[1:2:3:4:5:6:7:8:9]"), HOST(400, "[1:2:3:4:5:6:7:8::]"),
        HOST(400, "[1:]"), HOST(400, "[::g]"), HOST(400, "[1.2.3.4]"), HOST(400, "[::1.2.3]"), HOST(400, "[::1.2.3.4.5]"),
        HOST(400, "[::256.2.3.4]"), HOST(400, "[::01.2.3.4]"), HOST(400, "[::1.2.3.]"), HOST(400, "[::1%25lo]"),
        HOST(400, "[::1]80"), HOST(400, "[::1]:x"), HOST(400, "[v.a]"), HOST(400, "[v1]"), HOST(400, "[v1.]"),
        HOST(400, "[::1.2.3.4:5]"), HOST(400, "[1:2:3:4:5:6:7:1.2.3.4]"), HOST(400, "[:::]"), HOST(400, "[::a1.2.3.4]"),
        HOST(400, "a\r\nHost: a"), HOST(400, "a\r\nhOST:"), FIELD10(0, "X: y"), FIELD10(0, "Host: a"),
        FIELD10(400, "Host: a\r\nHost: a"), FIELD10(400, "Host: a b"),
        ROW(400, "GET http://a/ HTTP/1.1\r\n\r\n"), ROW(400, "GET http://a/ HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        ROW(0, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    };
    (void)state;
    CHECK_ROWS(rows);
}

static void test_fields(void **state) {
    static const struct row rows[] = {
        FIELD(0, "X:"), FIELD(0, "X:y"), FIELD(0, "X: \t y \t "), FIELD(0, "X: a\tb \x80\xff"), FIELD(0, "!#$%&'*+-.^_`|~: y"),
        FIELD(0, "a-quite-long-field-name-with_an_underscore-and-1-digit: y"), FIELD(400, "X : y"), FIELD(400, "X\t: y"),
        FIELD(400, ": y"), FIELD(400, "X"), FIELD(400, "X y: z"), FIELD(400, "X\x80: y"), FIELD(400, "X(: y"),
        FIELD(400, "a-quite-long-field-name-with-a-space : y"), FIELD(400, "content\rlength: 5"), FIELD(400, "X: a\0b"),
        FIELD(400, "X: a\x01"), FIELD(400, "X: a\x1f"), FIELD(400, "X: a\x7f"), FIELD(400, "X: a\x0b"), FIELD(400, "X: a\nb"),
        FIELD(400, "X: a\rb"), FIELD(400, "X: a\r\n b"), FIELD(400, "X: a\r\n\tb"), FIELD(400, "X: a\r\n\r\r\n"),
        FIELD(0, "Content-Length: 0"), FIELD(0, "Content-Length: 18446744073709551615"), FIELD(0, "Content-Length: 0005"),
        FIELD(400, "Content-Length: 18446744073709551616"), FIELD(400, "Content-Length: 99999999999999999999999"),
        FIELD(400, "Content-Length:"), FIELD(400, "Content-Length: +5"), FIELD(400, "Content-Length: -5"),
        FIELD(400, "Content-Length: 5, 5"), FIELD(400, "Content-Length: 5 5"), FIELD(400, "Content-Length: 0x5"),
        FIELD(400, "Content-Length: 5\r\nContent-Length: 5"), FIELD(400, "Content-Length: 5\r\ncontent-length: 6"),
        FIELD(400, "Content-Length : 5"), FIELD(400, "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        FIELD(400, "Transfer-Encoding: chunked\r\nContent-Length: 5"), FIELD(0, "Transfer-Encoding: CHUNKED"),
        FIELD(501, "Transfer-Encoding: gzip"), FIELD(501, "Transfer-Encoding: gzip, chunked"),
        FIELD(501, "Transfer-Encoding: identity"), FIELD(501, "Transfer-Encoding: xchunked"),
        FIELD(501, "Transfer-Encoding: gzip;q=\"a\""), FIELD(400, "Transfer-Encoding: chunked, gzip"),
        FIELD(400, "Transfer-Encoding: chunked, chunked"), FIELD(400, "Transfer-Encoding: chunked;a=b"),
        FIELD(400, "Transfer-Encoding:"), FIELD(400, "Transfer-Encoding: ,chunked"), FIELD(400, "Transfer-Encoding: chunked,"),
        FIELD(400, "Transfer-Encoding: \"chunked\""), FIELD(400, "Transfer-Encoding: chunked x"),
        FIELD(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), FIELD10(400, "Transfer-Encoding: chunked"),
        FIELD(0, "Expect: 100-Continue"), FIELD(417, "Expect: 200-ok"), FIELD(417, "Expect:"), FIELD10(0, "Expect: x"),
        FIELD(400, "Expect: 100-continue\r\nExpect: 100-continue"), FIELD(400, "Range: bytes=0-1\r\nRange: bytes=0-1"),
        FIELD(400, "If-Range: a\r\nIf-Range: a"), FIELD(400, "If-Modified-Since: a\r\nIf-Modified-Since: a"),
        FIELD(400, "If-Unmodified-Since: a\r\nIf-Unmodified-Since: a"), FIELD(400, "Authorization: a\r\nAuthorization: a"),
        FIELD(0, "Accept: a\r\nAccept: b"), FIELD(0, "Referer: a\r\nReferer: b"), FIELD(0, "User-Agent: a\r\nUser-Agent:"),
        FIELD(0, "If-Match: a\r\nX: y\r\nIf-Match: b"), FIELD(0, "Connection: close;, \"x\r\nConnection: (keep-alive"),
    };
    (void)state;
    CHECK_ROWS(rows);
}

static struct request parse_whole(const char *text, size_t len) {
    static char copy[4096];
    struct request request;
    size_t head_len = 0;
    assert_true(len <= sizeof copy);
    assert_int_equal(parse_at(copy, text, len, &request, &head_len), 0);
    assert_int_equal(head_len, len);
    return request;
}

#define PARSE(literal) parse_whole(literal, sizeof(literal) - 1)
#define assert_slice(slice, literal) \
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

static const char *const field_names[FIELD_COUNT] = {
    "Host",          "Connection",        "Content-Length",      "Transfer-Encoding", "Expect",        "Range",
    "If-Range",      "If-Match",          "If-None-Match",       "If-Modified-Since", "If-Unmodified-Since",
    "Accept",        "Accept-Encoding",   "Authorization",       "User-Agent",        "Referer",
    "X-Forwarded-For"};

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
                int len = snprintf(text, sizeof text, "GET http://a/ HTTP/1.1\r\n%s:%s\r\n%s\r\n", field_names[field], value,
                                   field == FIELD_HOST ? "" : "Host: a\r\n");
                text[24 + at] = (char)byte;
                bool same = ascii_lower((char)byte) == ascii_lower(field_names[field][at]);
                int status = parse_at(room_end - len, text, (size_t)len, &request, &head_len);
                if (same || (status == 0 && byte != ':'))
                    assert_int_equal(request_has(&request, field), same);
                if (!scan_is((char)byte, SCAN_TOKEN) && (byte != ':' || at == 0))
                    assert_int_equal(status, 400);
            }
        }
    }
}

static void test_plain_paths(void **state) {
    static const char *const paths[] = {
        "/",       "/a",      "/a/",     "/a/b.c", "/.a",     "/..a",  "/...",   "/a./b..", "/.",     "/./a",   "/a/.",
        "/..",     "/../a",   "/a/..",   "//",     "/a//b",   "/a//",  "/%41",   "/a/%",    "/a/.../b", "/\xc3\xa4", "/.well-known/x",
        "/0123456789abc/d", "/0123456789abcd//e", "/0123456789abcd/./e", "/0123456789abcde/../e", "/0123456789abcde.",
        "/0123456789abcd/.", "/0123456789abcdefghijklmnopqrs/./", "/0123456789abcdefghijklmnopqrst//"};
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
    assert_int_equal(parse_filled("GET /", 'a', 600, rest, 512), 414);
    assert_int_equal(parse_filled("GET /", 'a', 507, "", 512), 414);
    assert_int_equal(parse_filled("GET /", 'a', 506, "", 512), REQUEST_INCOMPLETE);
    assert_int_equal(parse_filled("", 'a', 512, "", 512), 414);
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
        assert_int_equal(parse_at(room_end - len - 2, text, len + 2, &request, &head_len), expected);
    }
}

/* Each byte at each place of a line that is long enough to need more than one load, against the words of the grammar. */
static void test_classes(void **state) {
    static const char tchar[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const struct { const char *before, *after; enum scan_class class; } places[] = {
        {"GET /", " HTTP/1.0\r\n\r\n", SCAN_TARGET}, {"GET /?", " HTTP/1.0\r\n\r\n", SCAN_TARGET},
        {"GET / HTTP/1.0\r\n", ":y\r\n\r\n", SCAN_TOKEN}, {"GET / HTTP/1.0\r\nX:", "\r\n\r\n", SCAN_VALUE}};
    char text[256];
    struct request request;
    size_t head_len;
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool token = byte != 0 && strchr(tchar, byte), value = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        bool fits_target = byte > ' ' && byte != 0x7f && !strchr("\"<>\\^`{|}#", byte);
        assert_int_equal(scan_is((char)byte, SCAN_TOKEN), token);
        assert_int_equal(scan_is((char)byte, SCAN_VALUE), value);
        assert_int_equal(scan_is((char)byte, SCAN_TARGET), fits_target);
        for (size_t place = 0; place < sizeof places / sizeof *places; place++)
            for (int at = 0; at < 70; at++) {
                if (byte == ':' && places[place].class == SCAN_TOKEN)
                    continue;
                int len = snprintf(text, sizeof text, "%s%070d%s", places[place].before, 0, places[place].after);
                text[(int)strlen(places[place].before) + at] = (char)byte;
                int status = parse_at(room_end - len, text, (size_t)len, &request, &head_len);
                if (status != (scan_is((char)byte, places[place].class) ? 0 : 400))
                    fail_msg("byte %d at %d of place %zu gave %d", byte, at, place, status);
            }
    }
}

static uint32_t random_next(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static const char browser[] =
    "GET /a/photo.jpg?size=2 HTTP/1.1\r\nHost: www.example.com:8080\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 "
    "(X11; Linux x86_64) Gecko/20100101\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip, br\r\nContent-Length: 5\r\n"
    "If-None-Match: \"a\", W/\"b\"\r\nCookie: a=bcdefghijklmnopqrstuvwxyz0123456789; c=d\r\nIf-None-Match: *\r\n\r\n";

/* The searches that take many bytes at a time, against the one that takes one. */
static void test_scans(void **state) {
    static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-..aaaa/\t ~\x80%";
    uint32_t seed = 42;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t len = random_next(&seed) % 80, before = random_next(&seed) % 20;
        char *at = room_end - len, *floor = at - before;
        for (char *byte = floor; byte < room_end; byte++)
            *byte = random_next(&seed) % 20 ? usual[random_next(&seed) % (sizeof usual - 1)] : (char)random_next(&seed);
        assert_ptr_equal(scan_value(floor, at, room_end), scan_bytes(at, room_end, SCAN_VALUE));
        assert_ptr_equal(scan_token(floor, at, room_end), scan_bytes(at, room_end, SCAN_TOKEN));
        for (const char *byte = at, *stop = scan_word(floor, at, room_end); byte < stop; byte++)
            assert_true(scan_is(*byte, SCAN_TOKEN) && scan_is(*byte, SCAN_REGNAME) && *byte != '%');
        bool odd = false, really_odd = false;
        const char *mark = scan_path(at, room_end, &odd);
        assert_ptr_equal(mark, scan_path_bytes(at, room_end, &really_odd));
        if (mark < room_end)
            assert_true(odd || !really_odd);
    }
}

/* Damaged requests: nothing is read outside, nothing points outside, the verdict is one that the contract knows. */
static void test_mutations(void **state) {
    static const char spice[] = "\r\n\r\n: \t,;/?%.\0\x7f\x80\"*chunked";
    uint32_t seed = 20231, seen[600] = {0};
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[sizeof browser + 16];
        size_t len = sizeof browser - 1, head_len;
        struct request request;
        memcpy(text, browser, len);
        for (uint32_t change = random_next(&seed) % 4 + 1; change > 0; change--) {
            size_t at = random_next(&seed) % len;
            uint32_t kind = random_next(&seed) % 4;
            if (kind == 0)
                memmove(text + at, text + at + 1, --len - at);
            if (kind == 1)
                memmove(text + at + 1, text + at, len++ - at);
            if (kind != 0)
                text[at] = random_next(&seed) % 2 ? spice[random_next(&seed) % sizeof spice] : (char)random_next(&seed);
        }
        if (random_next(&seed) % 4 == 0)
            len = random_next(&seed) % len;
        seen[parse_at(room_end - len, text, len, &request, &head_len) + 1]++;
    }
    assert_int_equal(seen[0] + seen[1] + seen[401] + seen[415] + seen[418] + seen[432] + seen[502] + seen[506], 200000);
    assert_true(seen[0] > 1000 && seen[1] > 1000 && seen[401] > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),       cmocka_unit_test(test_request_lines),  cmocka_unit_test(test_targets),
        cmocka_unit_test(test_hosts),       cmocka_unit_test(test_fields),         cmocka_unit_test(test_values),
        cmocka_unit_test(test_keep_alive),  cmocka_unit_test(test_repeated_lists), cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_plain_paths), cmocka_unit_test(test_limits),         cmocka_unit_test(test_field_count),
        cmocka_unit_test(test_classes),     cmocka_unit_test(test_scans), cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
