/* The root is a name: when a deploy points it elsewhere, that is noticed when asked, and until then what was opened is
   served on. */
#define _GNU_SOURCE
#include "../support/fixture.h"
#include "site/docroot.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))

static struct fixture fixture;

static int make_tree(void **state) {
    (void)state;
    fixture_open(&fixture);
    fixture_text(&fixture, "root/file", "file");
    fixture_text(&fixture, "release-1/index", "one");
    fixture_text(&fixture, "release-2/index", "two");
    return 0;
}

static int remove_tree(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int descriptor_count(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

TEST(a_root_must_be_a_folder) {
    struct docroot none;
    char path[128];
    int count = descriptor_count();
    snprintf(path, sizeof path, "%s/root/file", fixture.path);
    assert_int_equal(docroot_open(&none, path, SYMLINKS_INSIDE), -ENOTDIR);
    snprintf(path, sizeof path, "%s/root/missing", fixture.path);
    assert_int_equal(docroot_open(&none, path, SYMLINKS_INSIDE), -ENOENT);
    assert_int_equal(descriptor_count(), count);
}

static void point(const char *link, const char *target) {
    unlinkat(fixture.fd, link, 0);
    assert_int_equal(symlinkat(target, fixture.fd, link), 0);
}

static void assert_current(const struct docroot *root, const char *content) {
    char text[16] = "";
    struct stat st;
    int fd = docroot_file(root, "index", false, &st);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text - 1), strlen(content));
    assert_string_equal(text, content);
    close(fd);
}

/* Looks, and moves where the root has. */
static bool docroot_moved(struct docroot *root) {
    struct docroot fresh;
    bool stays = docroot_stays(root);
    enum docroot_news news = docroot_look(root, &fresh);
    assert_true(news == ROOT_SAME || !stays);
    if (news != ROOT_MOVED)
        return false;
    docroot_close(root);
    *root = fresh;
    return true;
}

/* A deploy: a link is pointed at the next release. While it is gone, the last one is served on. */
TEST(a_root_moves_with_its_link) {
    struct docroot current;
    char path[128];
    int count = descriptor_count();
    point("current", "release-1");
    snprintf(path, sizeof path, "%s/current", fixture.path);
    for (int walk = 0; walk < 2; walk++) {
        point("current", "release-1");
        assert_int_equal(docroot_open(&current, path, SYMLINKS_INSIDE), 0);
        current.walk = walk;
        assert_false(docroot_moved(&current));
        assert_current(&current, "one");
        unlinkat(fixture.fd, "current", 0);
        assert_false(docroot_moved(&current));
        assert_current(&current, "one");
        point("current", "root/file");
        assert_false(docroot_moved(&current));
        point("current", "release-2");
        assert_current(&current, "one"); /* until it is looked at */
        assert_true(docroot_moved(&current));
        assert_current(&current, "two");
        assert_false(docroot_moved(&current));
        assert_int_equal(current.walk, walk);
        docroot_close(&current);
    }
    assert_int_equal(descriptor_count(), count);
}

/* Where no more is asked than what the kernel has at hand. */
TEST(a_root_that_stays_is_told_at_once) {
    struct docroot current;
    struct stat st;
    char path[128];
    int count = descriptor_count();
    point("current", "release-1");
    snprintf(path, sizeof path, "%s/current", fixture.path);
    assert_int_equal(docroot_open(&current, path, SYMLINKS_INSIDE), 0);
    assert_false(current.remote);
    if (!current.walk) {
        assert_true(docroot_stays(&current));
        assert_int_equal(docroot_stat(&current, "", true, &st), 0);
    }
    current.remote = true;
    assert_false(docroot_stays(&current));
    assert_int_equal(docroot_stat(&current, "", true, &st), -EAGAIN);
    assert_int_equal(docroot_file(&current, "index", true, &st), -EAGAIN);
    assert_current(&current, "one");
    current.remote = false;
    unlinkat(fixture.fd, "current", 0);
    assert_false(docroot_stays(&current));
    docroot_close(&current);
    assert_int_equal(descriptor_count(), count);
}

TEST(a_root_that_was_replaced_has_moved) {
    struct docroot current;
    char path[128];
    fixture_text(&fixture, "replaced/index", "one");
    fixture_text(&fixture, "next/index", "two");
    snprintf(path, sizeof path, "%s/replaced", fixture.path);
    assert_int_equal(docroot_open(&current, path, SYMLINKS_INSIDE), 0);
    assert_int_equal(renameat(fixture.fd, "replaced", fixture.fd, "old"), 0);
    assert_false(docroot_moved(&current));
    assert_current(&current, "one");
    assert_int_equal(renameat(fixture.fd, "next", fixture.fd, "replaced"), 0);
    assert_true(docroot_moved(&current));
    assert_current(&current, "two");
    docroot_close(&current);
}

TEST(a_root_that_was_deleted_is_gone) {
    struct docroot current, fresh;
    char path[128];
    fixture_dir(&fixture, "doomed");
    snprintf(path, sizeof path, "%s/doomed", fixture.path);
    assert_int_equal(docroot_open(&current, path, SYMLINKS_INSIDE), 0);
    assert_int_equal(docroot_look(&current, &fresh), ROOT_SAME);
    assert_int_equal(unlinkat(fixture.fd, "doomed", AT_REMOVEDIR), 0);
    assert_int_equal(docroot_look(&current, &fresh), ROOT_GONE);
    fixture_text(&fixture, "doomed/index", "two");
    assert_true(docroot_moved(&current));
    assert_current(&current, "two");
    docroot_close(&current);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_must_be_a_folder),           cmocka_unit_test(a_root_moves_with_its_link),
        cmocka_unit_test(a_root_that_stays_is_told_at_once), cmocka_unit_test(a_root_that_was_replaced_has_moved),
        cmocka_unit_test(a_root_that_was_deleted_is_gone),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
