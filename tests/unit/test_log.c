/* Lines of the access log: what a format may hold, and that whatever a client sends, a line is one line, within its
   bound, and can be read back. */
#include "base/address.h"
#include "base/utf8.h"
#include "observe/log_escape.h"
#include "observe/log_lane.h"
#include "observe/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

enum { HEAD_MAX = 16 * 1024 };

static struct log_format format;
static struct address from;
static char error[1024];

static void compiles(const char *text) {
    if (!log_format_compile(&format, text, error, sizeof error))
        fail_msg("%s: %s", text, error);
}

static void is_refused(const char *text, const char *why) {
    assert_false(log_format_compile(&format, text, error, sizeof error));
    if (strncmp(error, why, strlen(why)) != 0)
        fail_msg("%s: %s", text, error);
    assert_non_null(strstr(error, "$remote_addr"));
    assert_null(strstr(error, "~"));
}

TEST(formats) {
    compiles("common");
    compiles("combined");
    compiles("json");
    assert_true(format.json);
    compiles("$$$status${status}0 ${http_x_any} $http_user_agent\t$args");
    is_refused("", "no such format");
    is_refused("combine", "no such format");
    is_refused("$", "a name is missing");
    is_refused("$ status", "a name is missing");
    is_refused("${status", "'}' is missing");
    is_refused("${}", "a name is missing");
    is_refused("$statuses", "no such name: $statuses");
    is_refused("$http_", "no such name: $http_");
    is_refused("${~colour}", "'}' is missing");
    is_refused("$status\n", "control bytes");
}

TEST(formats_have_bounds) {
    char text[8192] = "$status ";
    memset(text + 8, 'x', LOG_LINE_MAX);
    is_refused(text, "too long");
    text[0] = '\0';
    for (int i = 0; i <= LOG_PARTS_MAX; i++)
        strcat(text, "$pid");
    is_refused(text, "too long");
    text[0] = '\0';
    for (int i = 0; i <= LOG_LINE_MAX / LOG_VALUE_LEAST; i++)
        strcat(text, "$request");
    is_refused(text, "too long");
}

/* The line that the format makes of these bytes, which are a request or are refused as one. */
static struct slice line_of(const char *bytes, size_t len, const struct exchange *exchange) {
    static struct log_line line;
    static _Alignas(max_align_t) char kept[sizeof(struct log_line) + HEAD_MAX];
    struct request request;
    size_t head_len;
    int status = request_parse(bytes, len, HEAD_MAX, &request, &head_len);
    struct asked asked = {.request = &request, .from = &from, .whole = status == 0, .raw = {bytes, len}};
    size_t kept_len = log_line_keep(&format, &asked, &(struct log_asker){.connection = 7, .requests = 3}, kept);
    assert_true(kept_len <= log_line_keep_max(HEAD_MAX));
    log_line_init(&line);
    return (struct slice){line.at, log_line_make(&line, exchange, 1795717762, 1234567, kept)};
}

static void makes(const char *text, const char *request, const char *expected) {
    const struct exchange exchange = {.status = 200, .head_len = 100, .len = 600, .sent = 350};
    compiles(text);
    from = address_ip("\300\0\2\1", 4, 4242);
    struct slice line = line_of(request, strlen(request), &exchange);
    if (line.len != strlen(expected) + 1 || memcmp(line.at, expected, line.len - 1) != 0 ||
        line.at[line.len - 1] != '\n')
        fail_msg("%s: %.*s", text, (int)line.len, line.at);
}

TEST(values) {
    static const char get[] = "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-One_Two: \t3 \r\nUser-Agent: \"u\"\r\n"
                              "Authorization: bAsic YSBiOmM=\r\n\r\n";
    makes("common", get, "192.0.2.1 - a\\x20b [26/Nov/2026:18:29:22 +0000] \"GET /a?b=c HTTP/1.1\" 200 250");
    makes("$time_iso8601 $remote_port $bytes_sent $request_time $connection $connection_requests", get,
          "2026-11-26T18:29:22+00:00 4242 350 0.001234 7 3");
    makes("$request_method,$request_uri,$args,$server_protocol", get, "GET,/a?b=c,b=c,HTTP/1.1");
    makes("$http_x_one_two|$http_host|$http_user_agent|$http_nope", get, "3|h|\\x22u\\x22|-");
    makes("{\"u\":\"$http_user_agent\",\"n\":\"$http_nope\"}", get, "{\"u\":\"\\\"u\\\"\",\"n\":\"\"}");
    makes("$request_completion$$", get, "-$");
    makes("$request_method,$request_uri,$server_protocol,$request", "\r\nbad  line of\tmany parts\r\nHost: h\r\n\r\n",
          "bad, line of\\x09many,parts,bad  line of\\x09many parts");
    makes("$request_method,$request_uri,$server_protocol", "x y\r\n\r\n", "x,y,-");
    makes("$request,$http_host,$remote_user", "\r\n\r\n\n", "-,-,-");
}

/* However much of the head they take. */
TEST(a_user_is_kept_beside_the_field) {
    static _Alignas(max_align_t) char kept[sizeof(struct log_line) + HEAD_MAX];
    char bytes[1024] = "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic ";
    struct request request;
    size_t head_len;
    for (int i = 0; i < 100; i++)
        strcat(bytes, "dXV1");
    strcat(bytes, "Ojo6\r\n\r\n");
    assert_int_equal(request_parse(bytes, strlen(bytes), HEAD_MAX, &request, &head_len), 0);
    compiles("$remote_user $http_authorization $request");
    struct asked asked = {.request = &request, .from = &from, .whole = true};
    assert_true(log_line_keep(&format, &asked, &(struct log_asker){0}, kept) <= log_line_keep_max(head_len));
}

TEST(numbers_and_addresses) {
    static const struct {
        uint8_t address[4];
        uint64_t sent;
        const char *line;
    } all[] = {
        {{0, 9, 10, 99}, 0, "0.9.10.99 0 0.001234\n"},
        {{100, 255, 1, 0}, 9, "100.255.1.0 9 0.001234\n"},
        {{192, 0, 2, 1}, 10, "192.0.2.1 10 0.001234\n"},
        {{192, 0, 2, 1}, 99, "192.0.2.1 99 0.001234\n"},
        {{192, 0, 2, 1}, 100, "192.0.2.1 100 0.001234\n"},
        {{192, 0, 2, 1}, 12345, "192.0.2.1 12345 0.001234\n"},
        {{192, 0, 2, 1}, UINT64_MAX, "192.0.2.1 18446744073709551615 0.001234\n"},
    };
    compiles("$remote_addr $bytes_sent $request_time");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct exchange exchange = {.status = 200, .sent = all[i].sent};
        from = address_ip(all[i].address, 4, 1);
        struct slice line = line_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, &exchange);
        assert_true(slice_equal(line, slice_of(all[i].line)));
    }
}

static unsigned chance(unsigned below) {
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (unsigned)(((uint64_t)(state >> 8) * below) >> 24);
}

static size_t any_bytes(char *out, size_t most) {
    static const char *const some[] = {"\"",
                                       "\\",
                                       "\xC3\xA4",
                                       "\xC2\x9B",
                                       "\xFF",
                                       "\xED\xA0\x80",
                                       "\xF0\x9F\x98\x80",
                                       "\n",
                                       "\r",
                                       "\x7f",
                                       "\xC3",
                                       "plain text of eight bytes and more"};
    size_t len = 0;
    while (len + 40 < most) {
        if (chance(3) > 0) {
            out[len++] = (char)chance(256);
        } else {
            const char *more = some[chance(sizeof some / sizeof some[0])];
            memcpy(out + len, more, strlen(more));
            len += strlen(more);
        }
    }
    return len;
}

/* Reads an escaped text back; -1: it isn't one. */
static int text_byte(struct slice *text) {
    unsigned hex;
    unsigned char c = (unsigned char)text->at[0];
    *text = slice_from(*text, 1);
    if (c != '\\')
        return c < ' ' || c >= 0x7f || c == '"' ? -1 : c;
    if (text->len < 3 || sscanf(text->at, "x%02X", &hex) != 1)
        return -1;
    *text = slice_from(*text, 3);
    return (int)hex;
}

TEST(text_is_read_back) {
    for (int round = 0; round < 20000; round++) {
        char bytes[200], out[1000];
        struct slice value = {bytes, any_bytes(bytes, 41 + chance(sizeof bytes - 41))};
        size_t room = LOG_ESCAPE_LEAST + chance(sizeof out - LOG_ESCAPE_LEAST), i = 0;
        memset(out, '#', sizeof out);
        enum log_escape how = chance(2) ? LOG_ESCAPE_TEXT : LOG_ESCAPE_WORD;
        struct slice text = {out, (size_t)(log_escape(out, room, value, how) - out)};
        assert_true(text.len <= room);
        if (text.len < sizeof out)
            assert_int_equal(out[text.len], '#');
        for (; text.len > 0 && i < value.len; i++) {
            if (text.len == 3 && memcmp(text.at, "...", 3) == 0)
                break;
            if (how == LOG_ESCAPE_WORD)
                assert_false(text.at[0] == ' ' || text.at[0] == '[' || text.at[0] == ']');
            assert_int_equal(text_byte(&text), (unsigned char)value.at[i]);
        }
        if (i < value.len)
            assert_true(slice_equal(text, SLICE("...")));
    }
}

/* The inside of a JSON string: UTF-8, no control bytes, escapes that there are. */
TEST(json_is_json) {
    for (int round = 0; round < 20000; round++) {
        char bytes[200], out[1301] = "";
        struct slice value = {bytes, any_bytes(bytes, 41 + chance(sizeof bytes - 41))};
        size_t room = LOG_ESCAPE_LEAST + chance(sizeof out - 1 - LOG_ESCAPE_LEAST);
        struct slice text = {out, (size_t)(log_escape(out, room, value, LOG_ESCAPE_JSON) - out)};
        assert_true(text.len <= room);
        while (text.len > 0) {
            uint32_t code;
            size_t len = utf8_next(text, &code);
            assert_false(len == 1 && code == UTF8_REPLACED);
            assert_true(code >= ' ' && code != '"' && !(code >= 0x7f && code < 0xA0));
            if (code == '\\') {
                bool hex =
                    text.len >= 6 && memcmp(text.at, "\\u00", 4) == 0 && strspn(text.at + 4, "0123456789ABCDEF") >= 2;
                assert_true(hex || (text.len >= 2 && (text.at[1] == '"' || text.at[1] == '\\')));
                len = hex ? 6 : 2;
            }
            text = slice_from(text, len);
        }
    }
}

TEST(a_line_is_bounded) {
    const struct exchange exchange = {.status = 400};
    static char bytes[HEAD_MAX];
    for (int round = 0; round < 300; round++) {
        compiles(round % 2 ? "combined" : "json");
        int len = sprintf(bytes,
                          "GET /%0*d HTTP/1.1\r\nHost: h\r\nReferer: %0*d\r\nAuthorization: Basic YTpi\r\n"
                          "User-Agent: ",
                          (int)chance(7000), 0, (int)chance(4000), 0);
        for (unsigned left = chance(4000); left > 0; left--)
            bytes[len++] = (char)(0x80 + chance(0x80));
        len += sprintf(bytes + len, "\r\n\r\n");
        struct slice line = line_of(bytes, (size_t)len, &exchange);
        assert_true(line.len <= LOG_LINE_MAX);
        assert_ptr_equal(memchr(line.at, '\n', line.len), line.at + line.len - 1);
        assert_memory_equal(line.at + line.len - 2, round % 2 ? "\"" : "}", 1);
    }
}

/* What is put is looked at in order, over the ring's end; what doesn't fit is counted, and nothing of it is there. */
TEST(lanes) {
    struct log_bell bell = {.fd = eventfd(0, EFD_NONBLOCK)};
    struct log_lane *lane = log_lane_open(256, &bell);
    char line[256], seen[512];
    unsigned put = 0, got = 0;
    assert_non_null(lane);
    for (int round = 0; round < 5000; round++) {
        struct slice pieces[2];
        for (unsigned count = chance(6); count > 0; count--) {
            uint64_t lost = tally_get(&lane->lost);
            int len = sprintf(line, "%u:%0*d\n", put, 1 + (int)chance(100), 0);
            log_lane_put(lane, line, (size_t)len);
            put += tally_get(&lane->lost) == lost;
        }
        size_t len = log_lane_look(lane, 0, pieces);
        assert_true(len <= 256);
        memcpy(seen, pieces[0].at, pieces[0].len);
        memcpy(seen + pieces[0].len, pieces[1].at, pieces[1].len);
        seen[len] = '\0';
        for (char *at = seen; *at; at = strchr(at, '\n') + 1)
            assert_int_equal(strtoul(at, NULL, 10), got++);
        log_lane_drop(lane, (uint32_t)len);
        assert_int_equal(put, got);
    }
    assert_int_equal(tally_get(&lane->lines), put);
    assert_true(tally_get(&lane->lost) > 100);
    log_lane_close(lane);
    close(bell.fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(formats_have_bounds),
        cmocka_unit_test(values),
        cmocka_unit_test(a_user_is_kept_beside_the_field),
        cmocka_unit_test(numbers_and_addresses),
        cmocka_unit_test(text_is_read_back),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(a_line_is_bounded),
        cmocka_unit_test(lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
