#define _GNU_SOURCE
/* The path of a target: decoding, dot segments, dot files, encoding. */
#include "protocol/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Memory whose last byte is followed by a page that nobody may touch. */
enum { GUARDED_LEN = 64 * 1024 };
static char *guard;

static int open_guard(void **state) {
    (void)state;
    long page_len = sysconf(_SC_PAGESIZE);
    char *base = mmap(NULL, GUARDED_LEN + (size_t)page_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    guard = base + GUARDED_LEN;
    return mprotect(guard, (size_t)page_len, PROT_NONE);
}

static struct slice guarded(struct slice s) {
    assert_true(s.len <= GUARDED_LEN);
    if (s.len > 0)
        memcpy(guard - s.len, s.at, s.len);
    return (struct slice){guard - s.len, s.len};
}

static bool slice_has(struct slice s, const char *needle) {
    size_t len = strlen(needle);
    for (size_t i = 0; i + len <= s.len; i++)
        if (memcmp(s.at + i, needle, len) == 0)
            return true;
    return false;
}

#define ROW(raw, decoded, status)                                                                                      \
    { {raw, sizeof raw - 1}, decoded, status }

static const struct {
    struct slice raw;
    const char *decoded;
    int status;
} decodes[] = {
    ROW("/", "", 0),
    ROW("/a", "a", 0),
    ROW("/a/", "a/", 0),
    ROW("/a/b.html", "a/b.html", 0),
    ROW("/a:b@c;d=1,2!$&'()*+", "a:b@c;d=1,2!$&'()*+", 0), /* RFC 3986 3.3: pchar */
    /* The contract: no empty segments. */
    ROW("//", "", 0),
    ROW("///", "", 0),
    ROW("//a", "a", 0),
    ROW("//evil.example/x", "evil.example/x", 0),
    ROW("/a//b", "a/b", 0),
    ROW("/a//", "a/", 0),
    ROW("/a///b//", "a/b/", 0),
    /* RFC 3986 5.2.4: "." */
    ROW("/.", "", 0),
    ROW("/./", "", 0),
    ROW("/././a", "a", 0),
    ROW("/a/.", "a/", 0),
    ROW("/a/./", "a/", 0),
    ROW("/a/./b", "a/b", 0),
    /* RFC 3986 5.2.4: ".." */
    ROW("/a/..", "", 0),
    ROW("/a/../", "", 0),
    ROW("/a/b/..", "a/", 0),
    ROW("/a/b/../", "a/", 0),
    ROW("/a/b/../c", "a/c", 0),
    ROW("/a/b/c/./../../g", "a/g", 0), /* the RFC's own example */
    ROW("/a/b/../..", "", 0),
    ROW("/a//../b", "b", 0), /* the empty segment is none to go up from */
    ROW("/ab/cd/../ef", "ab/ef", 0),
    ROW("/a/../b/../c", "c", 0),
    /* Dots that are names. */
    ROW("/...", "...", 0),
    ROW("/..a", "..a", 0),
    ROW("/a..", "a..", 0),
    ROW("/a./b", "a./b", 0),
    ROW("/.a/..b/", ".a/..b/", 0),
    /* Above the root. */
    ROW("/..", NULL, 400),
    ROW("/../", NULL, 400),
    ROW("/../a", NULL, 400),
    ROW("/./..", NULL, 400),
    ROW("//..", NULL, 400),
    ROW("/a/../..", NULL, 400),
    ROW("/a/../../a", NULL, 400),
    ROW("/a/b/../../../etc/passwd", NULL, 400),
    /* RFC 3986 2.1: escapes, of either case, decoded once. */
    ROW("/%61", "a", 0),
    ROW("/%4a%4A", "JJ", 0),
    ROW("/a%20b", "a b", 0),
    ROW("/%C3%a9", "\xc3\xa9", 0),
    ROW("/\xc3\xa9", "\xc3\xa9", 0),
    ROW("/%25", "%", 0),
    ROW("/%2561", "%61", 0),
    ROW("/%252e%252e/", "%2e%2e/", 0),
    ROW("/%252f", "%2f", 0),
    ROW("/a+b", "a+b", 0), /* '+' is a space in queries only */
    ROW("/%3Fx", "?x", 0),
    ROW("/%23", "#", 0),
    ROW("/%5c..%5c", "\\..\\", 0), /* no separator here */
    ROW("/%0d%0a", "\r\n", 0),
    ROW("/%ff", "\xff", 0),
    /* Encoded dots are dots. */
    ROW("/%2e", "", 0),
    ROW("/a/%2E/b", "a/b", 0),
    ROW("/a/%2e%2e", "", 0),
    ROW("/a/b/.%2e/c", "a/c", 0),
    ROW("/%2e.", NULL, 400),
    ROW("/a/%2e%2E/%2e%2e", NULL, 400),
    /* Malformed escapes. */
    ROW("/%", NULL, 400),
    ROW("/%2", NULL, 400),
    ROW("/a%", NULL, 400),
    ROW("/%/a", NULL, 400),
    ROW("/%2/a", NULL, 400),
    ROW("/%zz", NULL, 400),
    ROW("/%2g", NULL, 400),
    ROW("/%g2", NULL, 400),
    ROW("/%%20", NULL, 400),
    ROW("/%u0041", NULL, 400),
    ROW("/% 20", NULL, 400),
    ROW("/%+2", NULL, 400),
    ROW("/a/%/../b", NULL, 400),
    /* An encoded slash separates, before dots are resolved, and isn't decoded twice. */
    ROW("/a%2Fb", "a/b", 0),
    ROW("/%2F%2Fevil.example/x", "evil.example/x", 0),
    ROW("/a/b%2F%2e%2E%2fc", "a/c", 0),
    ROW("/a%252f..%252fb", "a%2f..%2fb", 0),
    ROW("/%25%32%66..", "%2f..", 0),
    ROW("/a%5c..%2fb", "a\\../b", 0),
    ROW("/..%2f..", NULL, 400),
    ROW("/a%2f..%2f..", NULL, 400),
    ROW("/a%2f%00", NULL, 400),
    /* NUL, encoded and the byte itself. */
    ROW("/%00", NULL, 400),
    ROW("/a%00.html", NULL, 400),
    ROW("/a\0b", NULL, 400),
    /* No path. */
    ROW("", NULL, 400),
    ROW("a", NULL, 400),
    ROW("*", NULL, 400),
};

static void test_decode(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(decodes); i++) {
        char out[PATH_LEN_MAX + 1];
        size_t len = 0;
        int status = path_decode(guarded(decodes[i].raw), out, &len);
        if (status != decodes[i].status)
            fail_msg("%s: status %d, not %d", decodes[i].raw.at, status, decodes[i].status);
        if (status != 0)
            continue;
        if (strcmp(out, decodes[i].decoded) != 0 || len != strlen(decodes[i].decoded))
            fail_msg("%s: \"%s\", not \"%s\"", decodes[i].raw.at, out, decodes[i].decoded);
    }
}

/* RFC 3986 2.1: all 256 values, with digits of both cases. */
static void test_every_escape(void **state) {
    (void)state;
    static const char *const forms[] = {"/x%%%02x", "/x%%%02X"};
    for (unsigned value = 0; value < 256 * COUNT(forms); value++) {
        char raw[8], out[PATH_LEN_MAX + 1];
        size_t len = 0;
        int raw_len = snprintf(raw, sizeof raw, forms[value / 256], value % 256);
        int status = path_decode(guarded((struct slice){raw, (size_t)raw_len}), out, &len);
        if (value % 256 == 0) {
            assert_int_equal(status, 400);
        } else {
            assert_int_equal(status, 0);
            assert_int_equal(len, 2);
            assert_int_equal((unsigned char)out[1], value % 256);
            assert_int_equal(out[2], 0);
        }
    }
}

/* Every pair of bytes after '%': an escape when both are hexadecimal digits, else 400. */
static void test_every_escape_pair(void **state) {
    (void)state;
    static const char hex[] = "0123456789abcdefABCDEF";
    for (unsigned pair = 0; pair < 65536; pair++) {
        char raw[] = {'/', 'x', '%', (char)(pair >> 8), (char)pair}, out[PATH_LEN_MAX + 1];
        size_t len;
        bool good = memchr(hex, raw[3], 22) && memchr(hex, raw[4], 22) && memcmp(raw + 3, "00", 2) != 0;
        assert_int_equal(path_decode(guarded((struct slice){raw, sizeof raw}), out, &len), good ? 0 : 400);
    }
}

static void test_length(void **state) {
    (void)state;
    static char raw[3 * PATH_LEN_MAX + 16];
    char out[PATH_LEN_MAX + 1];
    size_t len = 0;
    memset(raw, 'a', sizeof raw);
    raw[0] = '/';
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 1}), out, &len), 0);
    assert_int_equal(len, PATH_LEN_MAX);
    assert_int_equal(out[PATH_LEN_MAX], 0);
    assert_true(path_is_plain((struct slice){raw, PATH_LEN_MAX + 1}));
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 2}), out, &len), 414);
    assert_false(path_is_plain((struct slice){raw, PATH_LEN_MAX + 2}));

    raw[PATH_LEN_MAX + 1] = '/';
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 2}), out, &len), 414);
    memcpy(raw + PATH_LEN_MAX + 1, "%2f", 3);
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 4}), out, &len), 414);
    memcpy(raw + PATH_LEN_MAX, "%2f", 3);
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 3}), out, &len), 0);
    assert_int_equal(len, PATH_LEN_MAX);
    memcpy(raw + PATH_LEN_MAX, "aaa", 3);
    raw[PATH_LEN_MAX] = '/';
    assert_int_equal(path_decode(guarded((struct slice){raw, PATH_LEN_MAX + 1}), out, &len), 0);
    assert_int_equal(len, PATH_LEN_MAX);

    for (size_t i = 0; i < PATH_LEN_MAX; i++) /* what counts is the decoded length */
        memcpy(raw + 1 + 3 * i, "%41", 3);
    assert_int_equal(path_decode(guarded((struct slice){raw, 3 * PATH_LEN_MAX + 1}), out, &len), 0);
    assert_int_equal(len, PATH_LEN_MAX);

    for (size_t i = 0; i < 10000; i += 5) /* and what was taken back doesn't */
        memcpy(raw + i, "/a/..", 5);
    assert_int_equal(path_decode(guarded((struct slice){raw, 10000}), out, &len), 0);
    assert_int_equal(len, 0);
}

static const struct {
    struct slice raw;
    bool plain;
} plains[] = {
    {SLICE("/"), true},       {SLICE("/a"), true},    {SLICE("/a/"), true},    {SLICE("/a/b.c"), true},
    {SLICE("/.a"), true},     {SLICE("/..a/"), true}, {SLICE("/a./b"), true},  {SLICE("/\xc3\xa9"), true},
    {SLICE("/..."), true},    {SLICE(""), false},     {SLICE("a"), false},     {SLICE("//"), false},
    {SLICE("/a//b"), false},  {SLICE("/a//"), false}, {SLICE("/."), false},    {SLICE("/.."), false},
    {SLICE("/a/./b"), false}, {SLICE("/a/."), false}, {SLICE("/a/.."), false}, {SLICE("/a/../b"), false},
    {SLICE("/%61"), false},   {SLICE("/%"), false},   {SLICE("/a\0b"), false},
};

static void test_plain(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(plains); i++)
        if (path_is_plain(guarded(plains[i].raw)) != plains[i].plain)
            fail_msg("%s", plains[i].raw.at);
    assert_false(path_is_plain((struct slice){NULL, 0}));
}

static const struct {
    struct slice path;
    bool hidden;
} dotfiles[] = {
    {SLICE(""), false},
    {SLICE("a"), false},
    {SLICE("a.b/c.d"), false},
    {SLICE("a/"), false},
    {SLICE("a."), false},
    {SLICE(".a"), true},
    {SLICE("."), true},
    {SLICE("..."), true},
    {SLICE("a/.b"), true},
    {SLICE("a/.b/c"), true},
    {SLICE("a/b/.git/"), true},
    {SLICE(".htaccess"), true},
    /* RFC 8615 3: at the root, by this very name */
    {SLICE(".well-known"), false},
    {SLICE(".well-known/"), false},
    {SLICE(".well-known/acme-challenge/x"), false},
    {SLICE(".well-known/.x"), true},
    {SLICE(".well-known/.well-known"), true},
    {SLICE("a/.well-known/x"), true},
    {SLICE(".well-knownx/x"), true},
    {SLICE(".well-know"), true},
    {SLICE(".Well-Known/x"), true},
};

static void test_dotfile(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(dotfiles); i++)
        if (path_has_dotfile(guarded(dotfiles[i].path)) != dotfiles[i].hidden)
            fail_msg("%s", dotfiles[i].path.at);
    assert_false(path_has_dotfile((struct slice){NULL, 0}));
}

static const struct {
    struct slice path;
    const char *encoded;
} encodes[] = {
    {SLICE(""), ""},
    {SLICE("/a/b-c_d.e~f"), "/a/b-c_d.e~f"}, /* RFC 3986 2.3 */
    {SLICE("!$()*+,;="), "!$()*+,;="},       /* RFC 3986 2.2 */
    {SLICE("&'\"<>"), "%26%27%22%3C%3E"},    /* would need care in HTML */
    {SLICE("a:b"), "a%3Ab"},                 /* RFC 3986 4.2: else a scheme in a relative reference */
    {SLICE("a b"), "a%20b"},
    {SLICE("100%"), "100%25"},
    {SLICE("a?b#c"), "a%3Fb%23c"},
    {SLICE("[x]@\\^`{|}"), "%5Bx%5D%40%5C%5E%60%7B%7C%7D"},
    {SLICE("\r\n"), "%0D%0A"},
    {SLICE("\0"), "%00"},
    {SLICE("\xc3\xa9"), "%C3%A9"},
};

static void test_encode(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(encodes); i++) {
        size_t want = strlen(encodes[i].encoded);
        for (size_t size = 0; size <= want + 1; size++) {
            size_t len = path_encode(guarded(encodes[i].path), guard - 1024, size);
            assert_int_equal(len, size < want ? 0 : want);
        }
        char out[64];
        path_encode(encodes[i].path, out, sizeof out);
        if (memcmp(out, encodes[i].encoded, want) != 0)
            fail_msg("%s: %.*s", encodes[i].encoded, (int)want, out);
    }
}

static uint64_t random_next(void) {
    static uint64_t seed = 0x9e3779b97f4a7c15; /* xorshift64: the same sequence in every run */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void check_decoded(struct slice raw, struct slice path) {
    assert_true(path.len <= PATH_LEN_MAX);
    assert_int_equal(path.at[path.len], 0);
    assert_null(memchr(path.at, 0, path.len));
    assert_false(slice_starts(path, SLICE("/")));
    assert_false(slice_has(path, "//"));
    assert_false(slice_has(path, "/./"));
    assert_false(slice_has(path, "/../"));
    assert_false(slice_starts(path, SLICE("./")) || slice_starts(path, SLICE("../")));
    assert_false(slice_ends(path, SLICE("/.")) || slice_ends(path, SLICE("/..")));
    assert_false(slice_equal(path, SLICE(".")) || slice_equal(path, SLICE("..")));
    assert_int_equal(path_is_plain(raw), slice_equal(slice_from(raw, 1), path));
}

/* Any input: the invariants hold, plain means unchanged, and encoding what came out decodes to the same. */
static void test_invariants(void **state) {
    (void)state;
    static const char *const parts[] = {"/",   "/",   "/",   ".",   "..", "a",    "bc",  "%2e", "%2E",
                                        "%61", "%25", "%2f", "%00", "%",  "%4",   ".a",  "//",  "/../",
                                        "/./", "x/",  "~",   " ",   ":",  "\xff", "%ff", "/a",  "/b/"};
    int decoded_count = 0;
    for (int round = 0; round < 300000; round++) {
        char raw[64], out[PATH_LEN_MAX + 1], encoded[256];
        size_t len = 1, out_len;
        raw[0] = '/';
        for (unsigned parts_left = random_next() % 12; parts_left > 0; parts_left--) {
            const char *part = parts[random_next() % COUNT(parts)];
            memcpy(raw + len, part, strlen(part));
            len += strlen(part);
        }
        if (random_next() % 8 == 0)
            raw[random_next() % len] = (char)random_next();
        struct slice input = guarded((struct slice){raw, len});
        int status = path_decode(input, out, &out_len);
        assert_true(status == 0 || status == 400);
        if (status != 0) {
            assert_false(path_is_plain(input));
            continue;
        }
        decoded_count++;
        check_decoded(input, (struct slice){out, out_len});

        char again[PATH_LEN_MAX + 1];
        size_t again_len, encoded_len = 1;
        encoded[0] = '/';
        encoded_len += path_encode((struct slice){out, out_len}, encoded + 1, sizeof encoded - 1);
        assert_int_equal(path_decode(guarded((struct slice){encoded, encoded_len}), again, &again_len), 0);
        assert_true(slice_equal((struct slice){out, out_len}, (struct slice){again, again_len}));
    }
    assert_true(decoded_count > 50000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode), cmocka_unit_test(test_every_escape), cmocka_unit_test(test_every_escape_pair),
        cmocka_unit_test(test_length), cmocka_unit_test(test_plain),        cmocka_unit_test(test_dotfile),
        cmocka_unit_test(test_encode), cmocka_unit_test(test_invariants),
    };
    return cmocka_run_group_tests(tests, open_guard, NULL);
}
