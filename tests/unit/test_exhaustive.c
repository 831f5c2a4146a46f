#define _GNU_SOURCE
/* All short inputs there are, over the few bytes that mean something: what the fuzzers find by luck, nothing left out.
 */
#include "protocol/path.h"
#include "protocol/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Names a segment that no path of a file may have, or NULL: with none of them nothing leads out of the root. */
static const char *wrong_segment(struct slice path) {
    for (size_t at = 0; at < path.len;) {
        const char *slash = memchr(path.at + at, '/', path.len - at);
        size_t end = slash ? (size_t)(slash - path.at) : path.len, len = end - at;
        const char *segment = path.at + at;
        if (len == 0)
            return "an empty one";
        if (segment[0] == '.' && (len == 1 || (len == 2 && segment[1] == '.')))
            return len == 1 ? "." : "..";
        at = end + 1;
    }
    return memchr(path.at, '\0', path.len) ? "one with a NUL" : NULL;
}

enum { PATH_BYTES = 8 };

static void no_path_leaves_the_root(void **state) {
    (void)state;
    static const char alphabet[] = {'/', '.', '%', '2', 'e', 'f', 'a', '\\'};
    static char out[PATH_LEN_MAX + 1];
    unsigned long decoded = 0;
    for (unsigned len = 0; len <= PATH_BYTES; len++) {
        for (unsigned long number = 0; number >> (3 * len) == 0; number++) {
            char raw[1 + PATH_BYTES] = "/";
            for (unsigned i = 0; i < len; i++)
                raw[1 + i] = alphabet[number >> (3 * i) & 7];
            size_t out_len;
            int status = path_decode((struct slice){raw, 1 + len}, out, &out_len);
            if (status != 0) {
                assert_int_equal(status, 400);
                continue;
            }
            decoded++;
            const char *wrong = wrong_segment((struct slice){out, out_len});
            if (wrong || out_len > len || out[out_len] != '\0')
                fail_msg("%.*s: \"%s\", %zu bytes: %s", 1 + (int)len, raw, out, out_len, wrong ? wrong : "too long");
        }
    }
    assert_true(decoded > 100000);
}

/* What a head is made of: sequences of these are all kinds of wrong, and some are right. */
static const char *const pieces[] = {
    "GET /",   " HTTP/1.1",         "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n", "\r", "\n", " ", ":",
    "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked",
};

enum { PIECES_MAX = 7, HEAD_MAX = 4096 };

static unsigned long whole_count;

/* Every prefix of all that begins with text[0..len) and goes on with up to `count` pieces. Once it is `settled` (not
   incomplete, a head of settled_len) any more bytes mustn't change it: one piece more is tried. */
static void check_prefixes(char *text, size_t len, unsigned count, int settled, size_t settled_len) {
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t piece_len = strlen(pieces[i]), head_len = 0;
        int verdict = settled;
        memcpy(text + len, pieces[i], piece_len);
        for (size_t end = len + 1; end <= len + piece_len; end++) {
            struct request request;
            int now = request_parse(text, end, HEAD_MAX, &request, &head_len);
            if (verdict != REQUEST_INCOMPLETE && (now != verdict || (now == 0 && head_len != settled_len)))
                fail_msg("\"%.*s\": %d after %d", (int)end, text, now, verdict);
            if (verdict == REQUEST_INCOMPLETE && now == 0)
                settled_len = head_len, whole_count++;
            verdict = now;
        }
        if (count > 1 && settled == REQUEST_INCOMPLETE)
            check_prefixes(text, len + piece_len, count - 1, verdict, settled_len);
    }
}

static void a_prefix_is_incomplete_or_has_the_verdict(void **state) {
    (void)state;
    static char text[PIECES_MAX * 40];
    check_prefixes(text, 0, PIECES_MAX, REQUEST_INCOMPLETE, 0);
    assert_true(whole_count > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path_leaves_the_root),
        cmocka_unit_test(a_prefix_is_incomplete_or_has_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
