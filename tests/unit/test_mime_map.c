/* Media types from a file: what it says comes first, then the built-in table. */
#define _GNU_SOURCE
#include "site/mime_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char path[] = "/tmp/test_mime_map.XXXXXX", error[512];

static struct mime_map *open_with(const char *text, size_t len) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    error[0] = '\0';
    return mime_map_open(path, error, sizeof error);
}

static struct mime_map *open_text(const char *text) {
    struct mime_map *map = open_with(text, strlen(text));
    if (!map)
        fail_msg("%s", error);
    return map;
}

/* `type`: NULL for one that isn't known. */
static void assert_type(const struct mime_map *map, const char *name, const char *type) {
    const char *found = mime_map_type(map, slice_of(name));
    if (type ? !found || strcmp(found, type) != 0 : found != NULL)
        fail_msg("%s is %s, not %s", name, found ? found : "unknown", type ? type : "unknown");
}

static void test_types(void **state) {
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"a.foo", "application/x-foo"},
        {"a.FOO", "application/x-foo"},
        {"dir.foo/a", NULL},
        {"dir/a.b.fOo", "application/x-foo"},
        {"a.fo", "text/x-fo; charset=utf-8"},
        {"a.f", "text/x-fo; charset=utf-8"},
        {"a.fooo", NULL},
        {"a.Upper", "application/x-upper"},
        {"a.upper", "application/x-upper"},
        {"a.averyveryverylongextension", "application/x-long"},
        {"a.averyveryverylongextensio", NULL},
        {"a.html", "application/xhtml+xml"}, /* over the built-in one */
        {"a.geo", "application/geo+json; charset=utf-8"},
        {"a.mjs", "application/javascript; charset=utf-8"},
        {"a.latin", "text/html;charset=iso-8859-1"},
        {"a.twice", "image/x-second"},
        {"a.css", "text/css; charset=utf-8"}, /* not named */
        {"a.png", "image/png"},
        {"a.none", NULL},
        {"a", NULL},
        {"", NULL},
        {".foo", NULL},
        {"a.", NULL},
        {"a.bad", NULL},
        {"a.last", "model/x-last"},
    };
    (void)state;
    struct mime_map *map = open_text("\xef\xbb\xbf# types\n"
                                     "application/x-foo\tfoo\n"
                                     "text/x-fo fo f # short ones\n"
                                     "application/x-upper UPPER\r\n"
                                     "application/x-long averyveryverylongextension\n"
                                     "application/xhtml+xml html\n"
                                     "application/geo+json geo\n"
                                     "application/javascript mjs\n"
                                     "text/html;charset=iso-8859-1 latin\n"
                                     "image/x-first twice\n"
                                     "image/x-second TWICE\n"
                                     "application/x-nothing\n"
                                     "not a type: bad\n"
                                     "model/x-last last");
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_type(map, rows[i].name, rows[i].type);
    mime_map_close(map);
    assert_string_equal(mime_map_type(NULL, SLICE("a.html")), "text/html; charset=utf-8");
}

static void test_bytes(void **state) {
    static const char name[] = {'a', '.', 'f', '\0', 'o'};
    (void)state;
    struct mime_map *map = open_text("application/x-f f fo\n");
    assert_null(mime_map_type(map, (struct slice){name, sizeof name}));
    assert_string_equal(mime_map_type(map, (struct slice){name, 3}), "application/x-f");
    assert_null(mime_map_type(map, (struct slice){NULL, 0}));
    assert_type(map, "a.f\xff", NULL);
    mime_map_close(map);
}

static void test_long_types(void **state) {
    char text[600] = "a/b x\na/", *at = text + strlen(text);
    (void)state;
    memset(at, 'b', 125);
    strcpy(at + 125, " longest x\na/");
    at += strlen(at);
    memset(at, 'b', 126);
    strcpy(at + 126, " longer x\n");
    struct mime_map *map = open_text(text);
    assert_int_equal(strlen(mime_map_type(map, SLICE("a.longest"))), 127);
    assert_int_equal(strlen(mime_map_type(map, SLICE("a.x"))), 127);
    assert_type(map, "a.longer", NULL);
    mime_map_close(map);
}

/* Thousands of extensions, each found; memory is exactly enough (AddressSanitizer watches). */
static void test_many(void **state) {
    enum { LINES = 5000 };
    static char text[LINES * 64];
    char name[64], type[64];
    size_t len = 0;
    (void)state;
    for (unsigned i = 0; i < LINES; i++)
        len += (size_t)sprintf(text + len, "%s/x-%u e%u E%ux\n", i % 2 ? "text" : "image", i, i * 7919 % LINES,
                               i * 7919 % LINES);
    struct mime_map *map = open_text(text);
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(type, sizeof type, "%s/x-%u%s", i % 2 ? "text" : "image", i, i % 2 ? "; charset=utf-8" : "");
        snprintf(name, sizeof name, "a.e%u", i * 7919 % LINES);
        assert_type(map, name, type);
        snprintf(name, sizeof name, "b/a.e%uX", i * 7919 % LINES);
        assert_type(map, name, type);
    }
    assert_type(map, "a.e5000", NULL);
    mime_map_close(map);
    sprintf(text, "text/x-a ");
    memset(text + 9, 'a', 300);
    sprintf(text + 309, "\n");
    map = open_text(text);
    text[8] = '.'; /* " aaa..." is the name's end now */
    assert_string_equal(mime_map_type(map, (struct slice){text + 5, 304}), "text/x-a; charset=utf-8");
    mime_map_close(map);
}

static void test_bad_files(void **state) {
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"", 0},
        {"# nothing\n\n", 11},
        {"text/html\n", 10},
        {"types {\n    text/html html htm;\n}\n", 34}, /* nginx's style */
        {"\x7f\x45LF\0\0\n\0", 8},
    };
    static char large[(4 << 20) + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_null(open_with(rows[i].text, rows[i].len));
        assert_non_null(strstr(error, "no line is a type and its extensions"));
        assert_non_null(strstr(error, path));
    }
    memset(large, '\n', sizeof large);
    memcpy(large, "a/b c", 5);
    assert_null(open_with(large, sizeof large));
    assert_non_null(strstr(error, "over 4 MiB"));
    struct mime_map *map = open_with(large, sizeof large - 1);
    assert_type(map, "x.c", "a/b");
    mime_map_close(map);
    assert_null(mime_map_open("/nowhere/mime.types", error, sizeof error));
    assert_string_equal(error, "/nowhere/mime.types: No such file or directory");
    assert_null(mime_map_open("/", error, sizeof error));
    assert_string_equal(error, "/: Is a directory");
}

static void test_known(void **state) {
    static const struct {
        const char *name;
        bool by_table, by_file;
    } rows[] = {
        {"a.html", true, true},  {"dir/a.JS", true, true},         {"a.bin", true, true},
        {"a.foo", false, true},  {"dir.foo/a.b.FOO", false, true}, {"john.doe", false, false},
        {"v1.2/", false, false}, {"a.js/b", false, false},         {"a", false, false},
        {"", false, false},      {".html", false, false},          {"a.", false, false},
    };
    (void)state;
    struct mime_map *map = open_text("application/octet-stream foo\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (mime_map_knows(NULL, slice_of(rows[i].name)) != rows[i].by_table)
            fail_msg("%s by the table", rows[i].name);
        if (mime_map_knows(map, slice_of(rows[i].name)) != rows[i].by_file)
            fail_msg("%s by the file", rows[i].name);
    }
    mime_map_close(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),      cmocka_unit_test(test_known), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_long_types), cmocka_unit_test(test_many),  cmocka_unit_test(test_bad_files),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failures;
}
