/* Loads for the bodies of large files: none takes a descriptor, and what has only grown is told from what was
   rewritten. */
#define _GNU_SOURCE
#include "../support/fixture.h"
#include "site/body_load.h"
#include "site/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

static struct fixture root;
static struct known *known;
static struct file file;
static char content[SIZE];

static int open_file(void **state) {
    struct stat st;
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)(i * i >> 7);
    fixture_open(&root);
    fixture_file(&root, "body", content, SIZE);
    known = known_open();
    assert_non_null(known);
    file = (struct file){.refs = 1};
    file.source = (struct outq_source){.fd = openat(root.fd, "body", O_RDWR), .provable = true, .size = SIZE};
    assert_return_code(file.source.fd, 0);
    assert_int_equal(fstat(file.source.fd, &st), 0);
    file.source.version = version_of(&st);
    file.source.key = known_key(known, KNOWN_PROMISED, &st, SIZE);
    return 0;
}

static int close_file(void **state) {
    (void)state;
    assert_int_equal(file.refs, 1);
    close(file.source.fd);
    known_close(known);
    fixture_close(&root);
    return 0;
}

static bool prove(struct file *held, uint64_t first, size_t len) {
    struct body_load *load = body_load_open(known, held, &file.source, BODY_PROVE, first, len);
    assert_non_null(load);
    assert_int_equal(load->load.lane, LANE_HASHES);
    load_work(&load->load);
    load_done(&load->load);
    bool same = load->same && load->len == len && memcmp(load->bytes, content + first, len) == 0;
    load_put(&load->load);
    return same;
}

static void vouch(void) {
    struct body_load *load = body_load_open(known, &file, &file.source, BODY_VOUCH, 0, 0);
    assert_non_null(load);
    load_work(&load->load);
    load_done(&load->load);
    load_put(&load->load);
}

static void test_proof(void **state) {
    (void)state;
    assert_false(prove(&file, 0, 10)); /* nobody knows what was promised */
    vouch();
    assert_true(prove(&file, 0, 10));
    assert_int_equal(pwrite(file.source.fd, "more", 4, SIZE), 4);
    assert_true(prove(&file, SIZE - 1000, 1000));
    assert_true(prove(NULL, 5, BODY_PROVEN_MAX));
    assert_int_equal(pwrite(file.source.fd, "other", 5, SIZE / 2), 5);
    assert_false(prove(&file, SIZE - 1000, 1000)); /* it isn't in the range, but what went before may have had it */
}

static void test_vouching_late(void **state) {
    (void)state;
    assert_int_equal(pwrite(file.source.fd, "more", 4, SIZE), 4);
    vouch();
    assert_false(prove(&file, 0, 10));
}

/* The descriptors that a server has are shared out among connections and files, and none is left for this. */
static void test_no_descriptor(void **state) {
    struct rlimit before, none;
    (void)state;
    int lowest = dup(file.source.fd);
    assert_return_code(lowest, 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct body_load *load = body_load_open(known, &file, &file.source, BODY_FETCH, 0, SIZE);
    assert_non_null(load);
    assert_int_equal(file.refs, 2); /* the client may leave, and the file's entry go, while it is read */
    load_work(&load->load);
    load_done(&load->load);
    assert_int_equal(file.refs, 1);
    load_put(&load->load);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_proof, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_vouching_late, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_no_descriptor, open_file, close_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
