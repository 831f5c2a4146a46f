/* A config that is loaded again and again, and given back: what a reload does. */
#define _GNU_SOURCE
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_config.XXXXXX", file[64], types[64], users[64], error[OPTION_ERROR_MAX];

static void write_file(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* With `extra`, may be NULL, behind --config. */
static int load(struct config *config, char *extra) {
    char program[] = "httpd", option[] = "--config";
    char *argv[] = {program, option, file, extra, NULL};
    error[0] = '\0';
    return config_load(config, extra ? 4 : 3, argv, error, sizeof error);
}

static void test_reload(void **state) {
    static struct config first, second;
    char option[] = "--index=mine.html";
    (void)state;
    write_file(types, "text/x-a a\n");
    write_file(users, "ann:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq."
                      "H91p5hVO1\n");
    write_file(file, "root one\nmime-types types\nauth users\nindex a\nindex b\nlisten unix:sock\n");
    assert_int_equal(load(&first, NULL), 0);
    write_file(file, "root two\nindex c\nheader A: b\nidle-timeout 5\n");
    assert_int_equal(load(&second, option), 0);

    /* The first still holds what it held. */
    const struct site_config *site = &first.settings.site;
    assert_memory_equal(site->root, folder, strlen(folder));
    assert_string_equal(site->root + strlen(folder), "/one");
    assert_int_equal(site->index_count, 2);
    assert_string_equal(site->index[1], "b");
    assert_string_equal(mime_map_type(site->mime, slice_of("x.a")), "text/x-a; charset=utf-8");
    assert_non_null(site->auth);
    assert_int_equal(first.settings.limits.idle_timeout_ms, 60000);
    config_free(&first);

    site = &second.settings.site;
    assert_string_equal(site->root + strlen(folder), "/two");
    assert_int_equal(site->index_count, 1);
    assert_string_equal(site->index[0], "mine.html");
    assert_true(slice_equal(site->fields, SLICE("A: b\r\n")));
    assert_null(site->auth);
    assert_null(site->mime);
    assert_int_equal(second.settings.limits.idle_timeout_ms, 5000);
    config_free(&second);
}

static void test_failure_leaves_nothing(void **state) {
    static const struct config zero;
    static struct config config;
    static const struct {
        const char *text;
        int status;
        const char *error; /* part of it */
    } rows[] = {
        {"root one\nmime-types types\nport x\n", 2, ":3: --port x: not a port number"},
        {"mime-types types\nauth none\n", 1, "--auth "},
        {"mime-types none\nauth users\n", 1, "--mime-types "},
        {"cors https://a\nheader Access-Control-Allow-Origin: b\n", 2, "-H Access-Control-Allow-..."},
        {"listen :80\nport 80\n", 2, ":2: --port 80: not together with --listen :80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_file(file, rows[i].text);
        assert_int_equal(load(&config, NULL), rows[i].status);
        if (!strstr(error, rows[i].error))
            fail_msg("%s: not %s", error, rows[i].error);
        assert_memory_equal(&config, &zero, sizeof zero);
    }
}

static void test_help_reads_no_further(void **state) {
    static struct config config;
    char option[] = "--help";
    (void)state;
    write_file(file, "bogus\n");
    assert_int_equal(load(&config, option), 0);
    assert_int_equal(config.show, CONFIG_HELP);
    config_free(&config);
}

/* Where the process went meanwhile makes no difference. */
static void test_paths_stay(void **state) {
    static struct config config;
    char program[] = "httpd", option[] = "--root=site", start[512], here[600];
    char *argv[] = {program, option, NULL};
    (void)state;
    assert_non_null(getcwd(start, sizeof start));
    assert_int_equal(config_load(&config, 2, argv, error, sizeof error), 0);
    config_free(&config);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(config_load(&config, 2, argv, error, sizeof error), 0);
    snprintf(here, sizeof here, "%s/site", start);
    assert_string_equal(config.settings.site.root, here);
    config_free(&config);
    assert_int_equal(chdir(start), 0);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/site.conf", folder);
    snprintf(types, sizeof types, "%s/types", folder);
    snprintf(users, sizeof users, "%s/users", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return unlink(file) | unlink(types) | unlink(users) | rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_failure_leaves_nothing),
        cmocka_unit_test(test_help_reads_no_further),
        cmocka_unit_test(test_paths_stay),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
