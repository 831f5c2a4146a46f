/* Entity tags: lists, weak and strong comparison, and lists that are broken. */
#include "protocol/etag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct slice list, tag;
    bool strong, weak; /* whether it matches under that comparison */
} rows[] = {
    /* RFC 9110 8.8.3.2: its table, with a strong tag on our side */
    {SLICE("W/\"1\""), SLICE("\"1\""), false, true},
    {SLICE("W/\"2\""), SLICE("\"1\""), false, false},
    {SLICE("\"1\""), SLICE("\"1\""), true, true},
    {SLICE("\"2\""), SLICE("\"1\""), false, false},
    /* 13.1.1, 13.1.2: lists */
    {SLICE("\"xyzzy\", \"r2d2xxxx\", \"c3piozzzz\""), SLICE("\"xyzzy\""), true, true},
    {SLICE("\"xyzzy\", \"r2d2xxxx\", \"c3piozzzz\""), SLICE("\"r2d2xxxx\""), true, true},
    {SLICE("\"xyzzy\", \"r2d2xxxx\", \"c3piozzzz\""), SLICE("\"c3piozzzz\""), true, true},
    {SLICE("W/\"xyzzy\", W/\"r2d2xxxx\", W/\"c3piozzzz\""), SLICE("\"r2d2xxxx\""), false, true},
    {SLICE("W/\"a\", \"a\""), SLICE("\"a\""), true, true},
    {SLICE("\"a\",\"b\",\"c\""), SLICE("\"d\""), false, false},
    {SLICE("\"a\"\t ,\t \"b\""), SLICE("\"b\""), true, true},
    {SLICE(" \"a\" "), SLICE("\"a\""), true, true},
    /* 5.6.1.2: empty elements */
    {SLICE(",, \"a\" , ,\"b\",,"), SLICE("\"b\""), true, true},
    {SLICE(","), SLICE("\"a\""), false, false},
    {SLICE(""), SLICE("\"a\""), false, false},
    {SLICE("  "), SLICE("\"a\""), false, false},
    /* 8.8.3: etagc holds commas, and no escapes */
    {SLICE("\"a,b\""), SLICE("\"a,b\""), true, true},
    {SLICE("\"a,b\""), SLICE("\"a\""), false, false},
    {SLICE("\"a,b\""), SLICE("b\""), false, false},
    {SLICE("\"x\",\"a,\", \"b\""), SLICE("\"b\""), true, true},
    {SLICE("\"x,W/\",\"b\""), SLICE("\"b\""), true, true},
    {SLICE("\"a\\\", \"b\""), SLICE("\"b\""), true, true},
    {SLICE("\"\""), SLICE("\"\""), true, true},
    {SLICE("W/\"\""), SLICE("\"\""), false, true},
    {SLICE("\"\xc3\xa9!#~\""), SLICE("\"\xc3\xa9!#~\""), true, true},
    /* exact bytes, whole tags */
    {SLICE("\"A\""), SLICE("\"a\""), false, false},
    {SLICE("\"ab\""), SLICE("\"a\""), false, false},
    {SLICE("\"a\""), SLICE("\"ab\""), false, false},
    {SLICE("\"a\""), SLICE("\"a-gz\""), false, false},
    /* unquoted ones don't match, nor does what follows them count */
    {SLICE("a"), SLICE("\"a\""), false, false},
    {SLICE("a"), SLICE("a"), false, false},
    {SLICE("a, \"b\""), SLICE("\"b\""), false, false},
    {SLICE("*"), SLICE("\"*\""), false, false},
    {SLICE("*, \"a\""), SLICE("\"a\""), false, false},
    {SLICE("'a'"), SLICE("\"a\""), false, false},
    /* "W/" is case-sensitive and close to its quote */
    {SLICE("w/\"a\""), SLICE("\"a\""), false, false},
    {SLICE("W/ \"a\""), SLICE("\"a\""), false, false},
    {SLICE("W\"a\""), SLICE("\"a\""), false, false},
    {SLICE("W/W/\"a\""), SLICE("\"a\""), false, false},
    {SLICE("W/"), SLICE("\"a\""), false, false},
    {SLICE("W"), SLICE("\"a\""), false, false},
    {SLICE("W/a"), SLICE("\"a\""), false, false},
    /* broken: what comes before the defect counts */
    {SLICE("\"a"), SLICE("\"a\""), false, false},
    {SLICE("\""), SLICE("\"\""), false, false},
    {SLICE("a\""), SLICE("\"a\""), false, false},
    {SLICE("\"a\", \"b"), SLICE("\"a\""), true, true},
    {SLICE("\"a\" \"b\""), SLICE("\"a\""), true, true},
    {SLICE("\"a\" \"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a\"\"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a\"x, \"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a\";q=1, \"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a\", x, \"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a b\", \"b\""), SLICE("\"b\""), false, false},
    {SLICE("\"a b\""), SLICE("\"a b\""), false, false},
    {SLICE("\"a\tb\""), SLICE("\"a\tb\""), false, false},
    {SLICE("\"a\0\""), SLICE("\"a\0\""), false, false},
    {SLICE("\"\x7f\""), SLICE("\"\x7f\""), false, false},
};

static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (etag_list_matches(rows[i].list, rows[i].tag, false) != rows[i].strong)
            fail_msg("row %zu, strong: %s in %s", i, rows[i].tag.at, rows[i].list.at);
        if (etag_list_matches(rows[i].list, rows[i].tag, true) != rows[i].weak)
            fail_msg("row %zu, weak: %s in %s", i, rows[i].tag.at, rows[i].list.at);
    }
    assert_false(etag_list_matches((struct slice){NULL, 0}, SLICE("\"a\""), true));
}

/* Every list cut at every byte, in memory of exactly that length: a sanitizer sees a read past it. */
static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t len = 0; len <= rows[i].list.len; len++) {
            char *copy = malloc(len ? len : 1);
            assert_non_null(copy);
            memcpy(copy, rows[i].list.at, len);
            bool strong = etag_list_matches((struct slice){copy, len}, rows[i].tag, false);
            bool weak = etag_list_matches((struct slice){copy, len}, rows[i].tag, true);
            assert_true(weak || !strong);       /* 8.8.3.2: what matches strongly matches weakly */
            assert_true(rows[i].weak || !weak); /* a beginning holds no tag that the whole doesn't */
            free(copy);
        }
    }
}

static const struct {
    struct slice value;
    bool any;
} anys[] = {
    {SLICE("*"), true},    {SLICE(" *\t"), true},      {SLICE(""), false},    {SLICE("**"), false},
    {SLICE("*,*"), false}, {SLICE("*, \"a\""), false}, {SLICE("W/*"), false}, {SLICE("\"*\""), false},
};

static void test_any(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(anys); i++)
        if (etag_is_any(anys[i].value) != anys[i].any)
            fail_msg("%s", anys[i].value.at);
    assert_false(etag_is_any((struct slice){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
