/* The parser's inner loops: by every byte at every place of a request, against the loop that takes one byte at a time,
   and with damaged requests. */
#define _GNU_SOURCE
#include "protocol/scan.h"
#include "room.h"

/* Each byte at each place of a line that is long enough to need more than one load, against the words of the grammar.
 */
static void test_classes(void **state) {
    static const char tchar[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const struct {
        const char *before, *after;
        enum scan_class class;
    } places[] = {{"GET /", " HTTP/1.0\r\n\r\n", SCAN_TARGET},
                  {"GET /?", " HTTP/1.0\r\n\r\n", SCAN_TARGET},
                  {"GET / HTTP/1.0\r\n", ":y\r\n\r\n", SCAN_TOKEN},
                  {"GET / HTTP/1.0\r\nX:", "\r\n\r\n", SCAN_VALUE}};
    char text[256];
    struct request request;
    size_t head_len;
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool token = byte != 0 && strchr(tchar, byte), value = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        bool fits_target = byte > ' ' && byte != 0x7f && !strchr("\"<>#", byte);
        assert_int_equal(scan_is((char)byte, SCAN_TOKEN), token);
        assert_int_equal(scan_is((char)byte, SCAN_VALUE), value);
        assert_int_equal(scan_is((char)byte, SCAN_TARGET), fits_target);
        for (size_t place = 0; place < sizeof places / sizeof *places; place++)
            for (int at = 0; at < 70; at++) {
                if (byte == ':' && places[place].class == SCAN_TOKEN)
                    continue;
                int len = snprintf(text, sizeof text, "%s%070d%s", places[place].before, 0, places[place].after);
                text[(int)strlen(places[place].before) + at] = (char)byte;
                int status = room_parse(room_end - len, text, (size_t)len, &request, &head_len);
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
    "GET /a/photo.jpg?size=2 HTTP/1.1\r\nHost: www.example.com:8080\r\nConnection: keep-alive\r\nUser-Agent: "
    "Mozilla/5.0 "
    "(X11; Linux x86_64) Gecko/20100101\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip, br\r\nContent-Length: "
    "5\r\n"
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
        assert_ptr_equal(scan_target(at, room_end), scan_bytes(at, room_end, SCAN_TARGET));
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
        seen[room_parse(room_end - len, text, len, &request, &head_len) + 1]++;
    }
    assert_int_equal(seen[0] + seen[1] + seen[401] + seen[415] + seen[418] + seen[432] + seen[502] + seen[506], 200000);
    assert_true(seen[0] > 1000 && seen[1] > 1000 && seen[401] > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_scans),
                                       cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, room_setup, NULL);
}
