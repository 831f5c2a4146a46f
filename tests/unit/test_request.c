/* The verdicts of the request parser, row by row of its contract. Every row is parsed flush against a guard page, cut
   at every byte, at every alignment and with other bytes after it. To be built twice, the second time with
   SCAN_PORTABLE defined, as test_request_values and test_scan are. */
#define _GNU_SOURCE
#include "room.h"

static void fail_at(const char *what, const char *bytes, size_t len, int got, int expected) {
    fail_msg("%s: %.*s [%zu bytes] gave %d, not %d", what, (int)len, bytes, len, got, expected);
}

/* The verdict on these bytes, after checking that neither cut, alignment nor following bytes change it. */
static int verdict(const char *bytes, size_t len) {
    struct request request;
    size_t head_len, other_len;
    int status = room_parse(room_end - len, bytes, len, &request, &head_len);
    for (size_t align = 0; align < ALIGNMENTS; align++)
        if (room_parse(room + align, bytes, len, &request, &other_len) != status)
            fail_at("moved", bytes, len, -2, status);
    bool settled = false;
    size_t whole = status == 0 ? head_len : len;
    for (size_t cut = 0; cut < whole; cut++) {
        int early = room_parse(room_end - cut, bytes, cut, &request, &other_len);
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
            int late = room_parse(room_end - whole - more, longer, whole + more, &request, &other_len);
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

#define ROW(status, literal)                                                                                           \
    { status, literal, sizeof(literal) - 1 }
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
    static const struct row rows[] = {ROW(0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
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
                                      ROW(REQUEST_INCOMPLETE, "GE")};
    (void)state;
    CHECK_ROWS(rows);
}

static void test_request_lines(void **state) {
    static const struct row rows[] = {LINE(400, "GET  / HTTP/1.1"),
                                      LINE(400, "GET /  HTTP/1.1"),
                                      LINE(400, "GET / HTTP/1.1 "),
                                      LINE(400, "GET\t/ HTTP/1.1"),
                                      LINE(400, "GET /\tHTTP/1.1"),
                                      LINE(400, "GET /"),
                                      LINE(400, "GET / "),
                                      LINE(400, "GET"),
                                      LINE(400, "G(T / HTTP/1.1"),
                                      LINE(400, "GET: / HTTP/1.1"),
                                      LINE(400, "G\x80T / HTTP/1.1"),
                                      LINE(0, "get / HTTP/1.1"),
                                      LINE(0, "!#$%&'*+-.^_`|~09az / HTTP/1.1"),
                                      LINE(0, "X / HTTP/1.1"),
                                      LINE(0, "GET / HTTP/1.0"),
                                      LINE(0, "GET / HTTP/1.9"),
                                      LINE(505, "GET / HTTP/2.0"),
                                      LINE(505, "GET / HTTP/9.9"),
                                      LINE(400, "GET / HTTP/0.9"),
                                      LINE(400, "GET / HTTP/1.10"),
                                      LINE(400, "GET / HTTP/10.1"),
                                      LINE(400, "GET / HTTP/1,1"),
                                      LINE(400, "GET / HTTP/1"),
                                      LINE(400, "GET / HTTP/2"),
                                      LINE(400, "GET / HTTP/1.x"),
                                      LINE(400, "GET / http/1.1"),
                                      LINE(400, "GET / HTTPS/1.1"),
                                      LINE(400, "GET / HTTP/ 1.1"),
                                      LINE(400, "GET / ICY/1.1"),
                                      LINE(400, "GET / HTTP/-1.1")};
    (void)state;
    CHECK_ROWS(rows);
}

static void test_targets(void **state) {
    static const struct row rows[] = {LINE(0, "GET /a?b?c/d HTTP/1.1"),
                                      LINE(0, "GET //evil HTTP/1.1"),
                                      LINE(0, "GET /%zz HTTP/1.1"),
                                      LINE(0, "GET /\xc3\xa4?\xff HTTP/1.1"),
                                      LINE(0, "GET /:@!$&'()*+,;=-._~[]?/[] HTTP/1.1"),
                                      LINE(400, "GET a HTTP/1.1"),
                                      LINE(400, "GET ?a HTTP/1.1"),
                                      LINE(400, "GET ../a HTTP/1.1"),
                                      LINE(400, "GET * HTTP/1.1"),
                                      LINE(0, "OPTIONS * HTTP/1.1"),
                                      LINE(400, "OPTIONS ** HTTP/1.1"),
                                      LINE(400, "OPTIONS */ HTTP/1.1"),
                                      LINE(400, "OPTIONS *?a HTTP/1.1"),
                                      LINE(0, "OPTIONS /a HTTP/1.1"),
                                      LINE(0, "GET http://a HTTP/1.1"),
                                      LINE(0, "GET HTTPS://a.b:8080/c?d HTTP/1.1"),
                                      LINE(0, "GET http://a?b HTTP/1.1"),
                                      LINE(400, "GET http:// HTTP/1.1"),
                                      LINE(400, "GET http:///a HTTP/1.1"),
                                      LINE(400, "GET http:/a HTTP/1.1"),
                                      LINE(400, "GET http HTTP/1.1"),
                                      LINE(400, "GET https:// HTTP/1.1"),
                                      LINE(400, "GET ftp://a/ HTTP/1.1"),
                                      LINE(400, "GET http://u@a/ HTTP/1.1"),
                                      LINE(400, "GET http://u:p@a/ HTTP/1.1"),
                                      LINE(400, "GET http://:80/ HTTP/1.1"),
                                      LINE(400, "GET http://a:b/ HTTP/1.1"),
                                      LINE(400, "GET http://\xc3\xa4/ HTTP/1.1"),
                                      LINE(0, "GET http://[::1]:80/ HTTP/1.1"),
                                      LINE(400, "GET http://[::1/ HTTP/1.1"),
                                      LINE(400, "GET a:80 HTTP/1.1"),
                                      LINE(0, "CONNECT a:80 HTTP/1.1"),
                                      LINE(0, "CONNECT [::1]:443 HTTP/1.1"),
                                      LINE(400, "CONNECT a HTTP/1.1"),
                                      LINE(400, "CONNECT / HTTP/1.1"),
                                      LINE(400, "CONNECT http://a/ HTTP/1.1"),
                                      LINE(400, "CONNECT :80 HTTP/1.1"),
                                      LINE(400, "CONNECT * HTTP/1.1"),
                                      LINE(0, "POST / HTTP/1.1")};
    (void)state;
    CHECK_ROWS(rows);
}

static void test_hosts(void **state) {
    static const struct row rows[] = {HOST(0, ""),
                                      HOST(0, " \t a.example\t "),
                                      HOST(0, "a:80"),
                                      HOST(0, "a:"),
                                      HOST(0, "a:65535"),
                                      HOST(0, "192.0.2.1:8080"),
                                      HOST(0, "a_b-c~d.e"),
                                      HOST(0, "a%41%ff"),
                                      HOST(0, "!$&'()*+;="),
                                      HOST(0, "a,b"),
                                      HOST(400, ":80"),
                                      HOST(400, "a:65536"),
                                      HOST(400, "a:99999999999999999999"),
                                      HOST(400, "a:8 0"),
                                      HOST(400, "a:80:80"),
                                      HOST(400, "a:-1"),
                                      HOST(400, "a b"),
                                      HOST(400, "a/b"),
                                      HOST(400, "u@a"),
                                      HOST(400, "a?"),
                                      HOST(400, "a#"),
                                      HOST(400, "a%4"),
                                      HOST(400, "a%4g"),
                                      HOST(400, "a%"),
                                      HOST(400, "\xc3\xa4"),
                                      HOST(400, "a\\b"),
                                      HOST(0, "[::1]"),
                                      HOST(0, "[::]"),
                                      HOST(0, "[::1]:8080"),
                                      HOST(0, "[1:2:3:4:5:6:7:8]"),
                                      HOST(0, "[1::8]"),
                                      HOST(0, "[2001:DB8::a:b]"),
                                      HOST(0, "[::ffff:192.0.2.1]"),
                                      HOST(0, "[1:2:3:4:5:6:1.2.3.4]"),
                                      HOST(0, "[1::]"),
                                      HOST(0, "[::1.2.3.4]"),
                                      HOST(0, "[v1.a:b]"),
                                      HOST(400, "[]"),
                                      HOST(400, "[::1"),
                                      HOST(400, "::1"),
                                      HOST(400, "[:]"),
                                      HOST(400, "[:1::2]"),
                                      HOST(400, "[1:::2]"),
                                      HOST(400, "[1::2::3]"),
                                      HOST(400, "[12345::]"),
                                      HOST(400, "[1:2:3:4:5:6:7]"),
                                      HOST(400, "[1:2:3:4:5:6:7:8:9]"),
                                      HOST(400, "[1:2:3:4:5:6:7:8::]"),
                                      HOST(400, "[1:]"),
                                      HOST(400, "[::g]"),
                                      HOST(400, "[1.2.3.4]"),
                                      HOST(400, "[::1.2.3]"),
                                      HOST(400, "[::1.2.3.4.5]"),
                                      HOST(400, "[::256.2.3.4]"),
                                      HOST(400, "[::01.2.3.4]"),
                                      HOST(400, "[::1.2.3.]"),
                                      HOST(400, "[::1%25lo]"),
                                      HOST(400, "[::1]80"),
                                      HOST(400, "[::1]:x"),
                                      HOST(400, "[v.a]"),
                                      HOST(400, "[v1]"),
                                      HOST(400, "[v1.]"),
                                      HOST(400, "[::1.2.3.4:5]"),
                                      HOST(400, "[1:2:3:4:5:6:7:1.2.3.4]"),
                                      HOST(400, "[:::]"),
                                      HOST(400, "[::a1.2.3.4]"),
                                      HOST(400, "a\r\nHost: a"),
                                      HOST(400, "a\r\nhOST:"),
                                      FIELD10(0, "X: y"),
                                      FIELD10(0, "Host: a"),
                                      FIELD10(400, "Host: a\r\nHost: a"),
                                      FIELD10(400, "Host: a b"),
                                      ROW(400, "GET http://a/ HTTP/1.1\r\n\r\n"),
                                      ROW(400, "GET http://a/ HTTP/1.1\r\nHost: u@a\r\n\r\n"),
                                      ROW(0, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n")};
    (void)state;
    CHECK_ROWS(rows);
}

static void test_fields(void **state) {
    static const struct row rows[] = {FIELD(0, "X:"),
                                      FIELD(0, "X:y"),
                                      FIELD(0, "X: \t y \t "),
                                      FIELD(0, "X: a\tb \x80\xff"),
                                      FIELD(0, "!#$%&'*+-.^_`|~: y"),
                                      FIELD(0, "a-quite-long-field-name-with_an_underscore-and-1-digit: y"),
                                      FIELD(400, "X : y"),
                                      FIELD(400, "X\t: y"),
                                      FIELD(400, ": y"),
                                      FIELD(400, "X"),
                                      FIELD(400, "X y: z"),
                                      FIELD(400, "X\x80: y"),
                                      FIELD(400, "X(: y"),
                                      FIELD(400, "a-quite-long-field-name-with-a-space : y"),
                                      FIELD(400, "content\rlength: 5"),
                                      FIELD(400, "X: a\0b"),
                                      FIELD(400, "X: a\x01"),
                                      FIELD(400, "X: a\x1f"),
                                      FIELD(400, "X: a\x7f"),
                                      FIELD(400, "X: a\x0b"),
                                      FIELD(400, "X: a\nb"),
                                      FIELD(400, "X: a\rb"),
                                      FIELD(400, "X: a\r\n b"),
                                      FIELD(400, "X: a\r\n\tb"),
                                      FIELD(400, "X: a\r\n\r\r\n"),
                                      FIELD(0, "Content-Length: 0"),
                                      FIELD(0, "Content-Length: 18446744073709551615"),
                                      FIELD(0, "Content-Length: 0005"),
                                      FIELD(400, "Content-Length: 18446744073709551616"),
                                      FIELD(400, "Content-Length: 99999999999999999999999"),
                                      FIELD(400, "Content-Length:"),
                                      FIELD(400, "Content-Length: +5"),
                                      FIELD(400, "Content-Length: -5"),
                                      FIELD(400, "Content-Length: 5, 5"),
                                      FIELD(400, "Content-Length: 5 5"),
                                      FIELD(400, "Content-Length: 0x5"),
                                      FIELD(400, "Content-Length: 5\r\nContent-Length: 5"),
                                      FIELD(400, "Content-Length: 5\r\ncontent-length: 6"),
                                      FIELD(400, "Content-Length : 5"),
                                      FIELD(400, "Content-Length: 5\r\nTransfer-Encoding: chunked"),
                                      FIELD(400, "Transfer-Encoding: chunked\r\nContent-Length: 5"),
                                      FIELD(0, "Transfer-Encoding: CHUNKED"),
                                      FIELD(501, "Transfer-Encoding: gzip"),
                                      FIELD(501, "Transfer-Encoding: gzip, chunked"),
                                      FIELD(501, "Transfer-Encoding: identity"),
                                      FIELD(501, "Transfer-Encoding: xchunked"),
                                      FIELD(501, "Transfer-Encoding: gzip;q=\"a\""),
                                      FIELD(400, "Transfer-Encoding: chunked, gzip"),
                                      FIELD(400, "Transfer-Encoding: chunked, chunked"),
                                      FIELD(400, "Transfer-Encoding: chunked;a=b"),
                                      FIELD(400, "Transfer-Encoding:"),
                                      FIELD(400, "Transfer-Encoding: ,chunked"),
                                      FIELD(400, "Transfer-Encoding: chunked,"),
                                      FIELD(400, "Transfer-Encoding: \"chunked\""),
                                      FIELD(400, "Transfer-Encoding: chunked x"),
                                      FIELD(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
                                      FIELD10(400, "Transfer-Encoding: chunked"),
                                      FIELD(0, "Expect: 100-Continue"),
                                      FIELD(417, "Expect: 200-ok"),
                                      FIELD(417, "Expect:"),
                                      FIELD10(0, "Expect: x"),
                                      FIELD(400, "Expect: 100-continue\r\nExpect: 100-continue"),
                                      FIELD(400, "Range: bytes=0-1\r\nRange: bytes=0-1"),
                                      FIELD(400, "If-Range: a\r\nIf-Range: a"),
                                      FIELD(400, "If-Modified-Since: a\r\nIf-Modified-Since: a"),
                                      FIELD(400, "If-Unmodified-Since: a\r\nIf-Unmodified-Since: a"),
                                      FIELD(400, "Authorization: a\r\nAuthorization: a"),
                                      FIELD(0, "Accept: a\r\nAccept: b"),
                                      FIELD(0, "Referer: a\r\nReferer: b"),
                                      FIELD(0, "Origin: a\r\nOrigin: b"),
                                      FIELD(0, "User-Agent: a\r\nUser-Agent:"),
                                      FIELD(0, "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Mode: cors"),
                                      FIELD(0, "Sec-Fetch-Dest: a\r\nX: y\r\nSec-Fetch-Dest:"),
                                      FIELD(0, "If-Match: a\r\nX: y\r\nIf-Match: b"),
                                      FIELD(0, "Connection: close;, \"x\r\nConnection: (keep-alive")};
    (void)state;
    CHECK_ROWS(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_request_lines),
                                       cmocka_unit_test(test_targets), cmocka_unit_test(test_hosts),
                                       cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, room_setup, NULL);
}
