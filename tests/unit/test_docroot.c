/* A tree with every kind of link, and what each path through it leads to: asked of the kernel, and of the walk that
   stands in for it where it has no openat2. */
#define _GNU_SOURCE
#include "../support/fixture.h"
#include "site/docroot.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FOLDER = 1, OTHER = 2, LINKS_MOST = 40, NAME_MOST = 255 };

static struct fixture fixture; /* "root" is the root, "outside" isn't */
static struct docroot root;
static char root_path[96];

/* Each file holds its own name. */
static const char *const files[] = {"root/file", "root/dir/file", "root/dir/sub/deep", "root/a..b", "root/..c",
                                    "outside/secret",
                                    /* Mistaken for the root by who looks at its name's length, or no further. */
                                    "twin/file", "root-file"};

static const struct {
    const char *name, *target;
} links[] = {
    {"root/to-file", "file"},
    {"root/to-dir", "dir"},
    {"root/to-dir-slash", "dir/"},
    {"root/to-to-dir", "to-dir"},
    {"root/to-deep", "dir//sub///deep"},
    {"root/here", "."},
    {"root/dots", "./dir/./../dir/sub/.././../file"},
    {"root/dir/up", "../file"},
    {"root/dir/to-root", ".."},
    {"root/dir/to-root-slash", "../"},
    {"root/dir/sub/around", "../../dir/to-root/to-dir/file"},
    {"root/to-file-slash", "file/"},
    {"root/through-file", "file/../file"},
    {"root/through-nothing", "nothing/../file"},
    {"root/dangling", "nothing"},
    {"root/to-fifo", "fifo"},

    {"root/out", "../outside/secret"},
    {"root/out-dir", "../outside"},
    {"root/to-twin", "../twin/file"},
    {"root/to-longer", "../root-file"},
    {"root/out-late", "dir/../../outside/secret"},
    {"root/dir/out-deep", "../../outside/secret"},
    {"root/dir/out-by-link", "to-root/../outside/secret"},
    {"root/out-and-back", "../root/file"},
    {"root/parent", ".."},
    {"root/absolute", "/etc/passwd"},
    {"root/slash", "/"},
    {"root/to-absolute", "absolute"},

    {"root/loop", "loop"},
    {"root/loop-1", "loop-2"},
    {"root/loop-2", "dir/to-root/loop-1"},
    {"root/dir/loop-longer", "loop-longer/x"},
};

static const struct {
    const char *path;
    int outcome;         /* 0: a regular file; FOLDER, OTHER, or -errno */
    const char *content; /* a file's own name */
} rows[] = {
    {"file", 0, "root/file"},
    {"dir/file", 0, "root/dir/file"},
    {"dir/sub/deep", 0, "root/dir/sub/deep"},
    {"dir//sub///deep", 0, "root/dir/sub/deep"},
    {"a..b", 0, "root/a..b"},
    {"..c", 0, "root/..c"},
    {"", FOLDER, NULL},
    {"dir", FOLDER, NULL},
    {"dir/", FOLDER, NULL},
    {"dir/sub/", FOLDER, NULL},
    {"missing", -ENOENT, NULL},
    {"missing/", -ENOENT, NULL},
    {"missing/file", -ENOENT, NULL},
    {"dir/missing", -ENOENT, NULL},
    {"file/", -ENOTDIR, NULL},
    {"file/x", -ENOTDIR, NULL},
    {"file/.", -ENOTDIR, NULL},
    {"file/..", -ENOTDIR, NULL},
    {"fifo", OTHER, NULL},
    {"socket", OTHER, NULL},
    {"fifo/", -ENOTDIR, NULL},

    {"./file", 0, "root/file"},
    {"dir/../file", 0, "root/file"},
    {"dir/..", FOLDER, NULL},
    {"..", -EXDEV, NULL},
    {"../", -EXDEV, NULL},
    {"../outside/secret", -EXDEV, NULL},
    {"dir/../../outside/secret", -EXDEV, NULL},

    {"to-file", 0, "root/file"},
    {"to-dir", FOLDER, NULL},
    {"to-dir/", FOLDER, NULL},
    {"to-dir-slash", FOLDER, NULL},
    {"to-dir-slash/file", 0, "root/dir/file"},
    {"to-dir/file", 0, "root/dir/file"},
    {"to-to-dir/sub/deep", 0, "root/dir/sub/deep"},
    {"to-to-dir/sub/../file", 0, "root/dir/file"},
    {"to-deep", 0, "root/dir/sub/deep"},
    {"here", FOLDER, NULL},
    {"here/here/file", 0, "root/file"},
    {"dots", 0, "root/file"},
    {"dir/up", 0, "root/file"},
    {"to-dir/up", 0, "root/file"},
    {"dir/to-root", FOLDER, NULL},
    {"dir/to-root/file", 0, "root/file"},
    {"dir/to-root-slash/file", 0, "root/file"},
    {"dir/to-root/dir/to-root/dir/file", 0, "root/dir/file"},
    {"dir/sub/around", 0, "root/dir/file"},
    {"to-file/", -ENOTDIR, NULL},
    {"to-fifo/", -ENOTDIR, NULL},
    {"to-file/x", -ENOTDIR, NULL},
    {"to-file-slash", -ENOTDIR, NULL},
    {"through-file", -ENOTDIR, NULL},
    {"through-nothing", -ENOENT, NULL},
    {"dangling", -ENOENT, NULL},
    {"dangling/", -ENOENT, NULL},
    {"to-fifo", OTHER, NULL},

    {"out", -EXDEV, NULL},
    {"out-dir", -EXDEV, NULL},
    {"out-dir/secret", -EXDEV, NULL},
    {"to-twin", -EXDEV, NULL},
    {"to-longer", -EXDEV, NULL},
    {"out-late", -EXDEV, NULL},
    {"dir/out-deep", -EXDEV, NULL},
    {"to-dir/out-deep", -EXDEV, NULL},
    {"dir/out-by-link", -EXDEV, NULL},
    {"dir/to-root/../outside/secret", -EXDEV, NULL},
    {"parent", -EXDEV, NULL},
    {"absolute", -EXDEV, NULL},
    {"slash", -EXDEV, NULL},
    {"slash/etc/passwd", -EXDEV, NULL},
    {"to-absolute", -EXDEV, NULL},

    {"loop", -ELOOP, NULL},
    {"loop/x", -ELOOP, NULL},
    {"loop-1", -ELOOP, NULL},
    {"loop-2/x", -ELOOP, NULL},
    {"dir/loop-longer", -ELOOP, NULL},
    {"chain-40", 0, "root/file"},
    {"chain-41", -ELOOP, NULL},
};

/* Links that leave the root and end at it or beneath. */
static const struct {
    const char *path, *content;
} returning[] = {
    {"out-and-back", "root/file"},
    {"absolute-within", "root/file"},
    {"parent/root/file", "root/file"},
    {"to-absolute-within", "root/file"},
    {"dir/to-root/absolute-within", "root/file"},
    {"absolute-root/file", "root/file"},
};

/* What a link leads to is what counts, the last of a path as well as any on its way. */
static const struct {
    const char *path;
    int none, all;       /* outcomes of these policies */
    const char *content; /* of the latter */
} policies[] = {
    {"file", 0, 0, "root/file"},
    {"dir/sub/deep", 0, 0, "root/dir/sub/deep"},
    {"dir/", FOLDER, FOLDER, NULL},
    {"", FOLDER, FOLDER, NULL},
    {"missing", -ENOENT, -ENOENT, NULL},
    {"fifo", OTHER, OTHER, NULL},
    {"to-file", -ELOOP, 0, "root/file"},
    {"to-dir/file", -ELOOP, 0, "root/dir/file"},
    {"to-dir", -ELOOP, FOLDER, NULL},
    {"to-dir/", -ELOOP, FOLDER, NULL},
    {"dir/up", -ELOOP, 0, "root/file"},
    {"out", -ELOOP, 0, "outside/secret"},
    {"out-dir/secret", -ELOOP, 0, "outside/secret"},
    {"absolute-within", -ELOOP, 0, "root/file"},
    {"dangling", -ELOOP, -ENOENT, NULL},
    {"loop", -ELOOP, -ELOOP, NULL},
};

/* chain-40 takes forty links to the file, the most that the kernel follows. */
static void make_chain(void) {
    char name[32], target[32];
    for (int i = 1; i <= LINKS_MOST + 1; i++) {
        snprintf(name, sizeof name, "root/chain-%d", i);
        snprintf(target, sizeof target, i > 1 ? "chain-%d" : "file", i - 1);
        fixture_link(&fixture, name, target);
    }
}

static int make_tree(void **state) {
    (void)state;
    char target[128];
    fixture_open(&fixture);
    for (size_t i = 0; i < COUNT(files); i++)
        fixture_text(&fixture, files[i], files[i]);
    for (size_t i = 0; i < COUNT(links); i++)
        fixture_link(&fixture, links[i].name, links[i].target);
    fixture_fifo(&fixture, "root/fifo");
    fixture_socket(&fixture, "root/socket");
    make_chain();
    snprintf(root_path, sizeof root_path, "%s/root", fixture.path);
    snprintf(target, sizeof target, "%s/file", root_path);
    fixture_link(&fixture, "root/absolute-within", target);
    fixture_link(&fixture, "root/to-absolute-within", "absolute-within");
    fixture_link(&fixture, "root/absolute-root", root_path);
    return docroot_open(&root, root_path, SYMLINKS_INSIDE);
}

static int remove_tree(void **state) {
    (void)state;
    docroot_close(&root);
    fixture_close(&fixture);
    return 0;
}

static int descriptor_count(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static int kind_of(const struct stat *st) {
    return S_ISREG(st->st_mode) ? 0 : S_ISDIR(st->st_mode) ? FOLDER : OTHER;
}

/* Closes it. */
static void assert_file(int fd, const char *content) {
    char text[64] = "";
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & (O_PATH | O_ACCMODE), O_RDONLY);
    assert_int_equal(read(fd, text, sizeof text - 1), strlen(content));
    assert_string_equal(text, content);
    close(fd);
}

/* Of anything but a file there is a descriptor that can't be read. */
static void assert_unread(int fd) {
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_PATH);
    close(fd);
}

static void assert_outcome(const char *path, int outcome, const char *content) {
    struct stat st, by_stat;
    int fd = docroot_file(&root, path, false, &st), error = docroot_stat(&root, path, false, &by_stat);
    int found = fd < 0 ? fd : kind_of(&st);
    if (found != outcome || error != (outcome < 0 ? outcome : 0))
        fail_msg("\"%.100s\" (%s): %d and %d instead of %d", path, root.walk ? "walked" : "by the kernel", found, error,
                 outcome);
    if (fd < 0)
        return;
    assert_int_equal(st.st_ino, by_stat.st_ino);
    assert_int_equal(kind_of(&by_stat), outcome);
    if (content)
        assert_file(fd, content);
    else
        assert_unread(fd);
}

/* A folder's entries can be read; nothing else is one. */
static void assert_folder(const char *path, int outcome) {
    int fd = docroot_folder(&root, path);
    if (outcome != FOLDER) {
        assert_int_equal(fd, outcome < 0 ? outcome : -ENOTDIR);
        return;
    }
    assert_true(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & (O_PATH | O_DIRECTORY | O_ACCMODE), O_DIRECTORY | O_RDONLY);
    close(fd);
}

static void assert_table(void) {
    int count = descriptor_count();
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_outcome(rows[i].path, rows[i].outcome, rows[i].content);
        assert_folder(rows[i].path, rows[i].outcome);
    }
    assert_int_equal(descriptor_count(), count);
}

static void assert_returning(void) {
    for (size_t i = 0; i < COUNT(returning); i++)
        assert_outcome(returning[i].path, 0, returning[i].content);
    assert_outcome("absolute-root", FOLDER, NULL);
}

static void assert_policies(void) {
    for (size_t i = 0; i < COUNT(policies); i++) {
        root.symlinks = SYMLINKS_NONE;
        assert_outcome(policies[i].path, policies[i].none, policies[i].none == 0 ? policies[i].content : NULL);
        root.symlinks = SYMLINKS_ALL;
        assert_outcome(policies[i].path, policies[i].all, policies[i].content);
    }
    root.symlinks = SYMLINKS_INSIDE;
}

static void assert_long_names(void) {
    char name[NAME_MOST + 2], path[4000] = "";
    memset(name, 'n', sizeof name);
    name[NAME_MOST] = '\0';
    assert_outcome(name, -ENOENT, NULL);
    name[NAME_MOST] = 'n';
    name[NAME_MOST + 1] = '\0';
    assert_outcome(name, -ENAMETOOLONG, NULL);
    for (int i = 0; i < 500; i++)
        strcat(path, "dir/../");
    strcat(path, "file");
    assert_outcome(path, 0, "root/file");
}

/* The walk always; the kernel where it can. */
static void both_ways(void (*check)(void)) {
    bool walk = root.walk;
    if (!walk)
        check();
    root.walk = true;
    check();
    root.walk = walk;
}

TEST(nothing_is_found_but_beneath_the_root) {
    both_ways(assert_table);
}

/* As in a chroot, or a container whose kernel has no openat2 either. */
TEST(a_walk_needs_no_proc) {
    bool walk = root.walk;
    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (chroot(root.path) < 0)
        skip();
    root.walk = true;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].outcome >= 0) { /* else it may lead elsewhere, as / is another */
            assert_outcome(rows[i].path, rows[i].outcome, rows[i].content);
            assert_folder(rows[i].path, rows[i].outcome);
        }
    root.walk = walk;
    assert_true(fchdir(top) == 0 && chroot(".") == 0 && fchdir(here) == 0);
    close(top);
    close(here);
}

TEST(links_that_leave_and_return) {
    both_ways(assert_returning);
}

TEST(links_are_followed_as_the_user_says) {
    both_ways(assert_policies);
}

TEST(names_may_be_long) {
    both_ways(assert_long_names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_but_beneath_the_root),
        cmocka_unit_test(a_walk_needs_no_proc),
        cmocka_unit_test(links_that_leave_and_return),
        cmocka_unit_test(links_are_followed_as_the_user_says),
        cmocka_unit_test(names_may_be_long),
    };
    alarm(60); /* to open a FIFO for reading would wait forever */
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
