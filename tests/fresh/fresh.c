/* fresh MODEL... - what is served while files change: every byte of every answer belongs to the version that its head
 * describes, and a change that is complete is seen within a second.
 *
 * The program is HTTPD's. Here are the tests under load: a crowd of readers, and this thread as the writer. */
#include "scenarios.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODELS_MAX = 16 };

static void must(bool done, const char *what) {
    if (!done)
        fail_msg("%s", what);
}

/* Everything that was changed last is seen by all; then the readers are done. */
/* On a busy machine it may be a while until the readers have seen one of these, too. */
static void await_some(const _Atomic unsigned *answers) {
    enum { PATIENCE_MS = 10 * 1000, LOOK_MS = 10 };
    for (int left_ms = PATIENCE_MS; *answers == 0 && left_ms > 0; left_ms -= LOOK_MS)
        rest_ms(LOOK_MS);
}

static void await_and_stop(struct crowd *crowd) {
    bool seen = crowd_await(crowd);
    if (seen)
        await_some(&crowd->whole);
    if (!crowd_stop(crowd) || !seen)
        fail_msg("%s", crowd->error);
    assert_true(crowd->whole > 0);
}

/* Small files, in the three ways that editors and build tools have of changing them. */
static void test_small(void **state) {
    enum { ROUNDS = 40 };
    struct target targets[] = {{.path = "/replaced.bin", .manner = REPLACED, .id = 1},
                               {.path = "/truncated.bin", .manner = TRUNCATED, .id = 2},
                               {.path = "/overwritten.bin", .manner = OVERWRITTEN, .id = 3}};
    struct fixture fixture;
    struct server *server = NULL;
    struct crowd crowd;
    fixture_open(&fixture);
    for (size_t round = 0; round <= ROUNDS; round++) {
        size_t varied = CONTENT_RECORD * (1 + round * 613 % 4000);
        content_rename_over(fixture.fd, "replaced.bin", target_begin(&targets[0], STATE_PLAIN), varied);
        target_done(&targets[0]);
        content_truncate(fixture.fd, "truncated.bin", target_begin(&targets[1], STATE_PLAIN), 24 * KIB, 8 * KIB);
        target_done(&targets[1]);
        content_overwrite(fixture.fd, "overwritten.bin", target_begin(&targets[2], STATE_PLAIN), 16 * KIB, 4 * KIB);
        target_done(&targets[2]);
        if (round == 0) {
            server = start_server(state, fixture.path);
            crowd_start(&crowd, server_port(server), targets, 3);
        }
        rest_ms(20);
    }
    await_some(&crowd.unchanged);
    await_and_stop(&crowd);
    assert_true(crowd.unchanged > 0);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* The same with files that are sent from their descriptors, to readers of whom half are slow. */
static void test_large(void **state) {
    enum { ROUNDS = 9 };
    struct target targets[] = {{.path = "/replaced.bin", .manner = REPLACED, .id = 1, .large = true},
                               {.path = "/truncated.bin", .manner = TRUNCATED, .id = 2, .large = true},
                               {.path = "/overwritten.bin", .manner = OVERWRITTEN, .id = 3, .large = true}};
    struct fixture fixture;
    struct server *server = NULL;
    struct crowd crowd;
    fixture_open(&fixture);
    for (size_t round = 0; round <= ROUNDS; round++) {
        content_rename_over(fixture.fd, "replaced.bin", target_begin(&targets[0], STATE_PLAIN), 3 * MIB + round * 528);
        target_done(&targets[0]);
        content_truncate(fixture.fd, "truncated.bin", target_begin(&targets[1], STATE_PLAIN), 3 * MIB, 256 * KIB);
        target_done(&targets[1]);
        content_overwrite(fixture.fd, "overwritten.bin", target_begin(&targets[2], STATE_PLAIN), 3 * MIB, 128 * KIB);
        target_done(&targets[2]);
        if (round == 0) {
            server = start_server(state, fixture.path);
            crowd_start(&crowd, server_port(server), targets, 3);
        }
        rest_ms(100);
    }
    await_and_stop(&crowd);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

static void rename_in(const struct fixture *fixture, const char *from, const char *to) {
    must(renameat(fixture->fd, from, fixture->fd, to) == 0, to);
}

static void flip(const struct fixture *fixture, const char *link, const char *to) {
    must(symlinkat(to, fixture->fd, "flip.next") == 0, to);
    rename_in(fixture, "flip.next", link);
}

static void set_names(struct fixture *fixture, struct target targets[], bool there, unsigned round) {
    char twin[16];
    snprintf(twin, sizeof twin, "twin%u.bin", round % 2);
    content_rename_over(fixture->fd, twin, target_begin(&targets[0], STATE_PLAIN), 2 * KIB);
    flip(fixture, "linked.bin", twin);
    target_done(&targets[0]);
    if (there) {
        content_rename_over(fixture->fd, "deleted.bin", target_begin(&targets[1], STATE_PLAIN), 3 * KIB);
        content_rename_over(fixture->fd, "away/moved.bin", target_begin(&targets[2], STATE_PLAIN), 4 * KIB);
        rename_in(fixture, "away", "folder");
    } else {
        target_begin(&targets[1], STATE_ABSENT);
        must(unlinkat(fixture->fd, "deleted.bin", 0) == 0, "deleted.bin");
        target_begin(&targets[2], STATE_ABSENT);
        rename_in(fixture, "folder", "away");
    }
    target_done(&targets[1]);
    target_done(&targets[2]);
}

/* A link that is flipped, a file that is deleted and made again, a folder that is renamed and comes back: many times,
   and each state once for long enough to be seen. */
static void test_names(void **state) {
    enum { ROUNDS = 30 };
    struct target targets[] = {{.path = "/linked.bin", .manner = REPLACED, .id = 1},
                               {.path = "/deleted.bin", .manner = REPLACED, .id = 2},
                               {.path = "/folder/moved.bin", .manner = REPLACED, .id = 3}};
    struct fixture fixture;
    struct crowd crowd;
    unsigned round = 0;
    fixture_open(&fixture);
    fixture_dir(&fixture, "away");
    set_names(&fixture, targets, true, round++);
    struct server *server = start_server(state, fixture.path);
    crowd_start(&crowd, server_port(server), targets, 3);
    for (; round < ROUNDS; round++) {
        set_names(&fixture, targets, round % 2 == 0, round);
        rest_ms(15);
    }
    bool gone = crowd_await(&crowd); /* the last round took them away */
    if (gone)
        await_some(&crowd.missing);
    set_names(&fixture, targets, true, round);
    if (!gone)
        crowd_stop(&crowd);
    must(gone, crowd.error);
    await_and_stop(&crowd);
    assert_true(crowd.missing > 0);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

static void deploy(struct fixture *fixture, struct target targets[], unsigned round) {
    char folder[16], name[64];
    snprintf(folder, sizeof folder, "release%u", round % 2);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t version = target_begin(&targets[i], STATE_PLAIN);
        snprintf(name, sizeof name, "%s%s", folder, targets[i].path);
        content_rename_over(fixture->fd, name, version, targets[i].large ? 3 * MIB : 5 * KIB);
    }
    flip(fixture, "current", folder);
    for (unsigned i = 0; i < 3; i++)
        target_done(&targets[i]);
}

/* Deploys by flipping the root, between two folders. */
static void test_root(void **state) {
    enum { ROUNDS = 21 }; /* odd: what is seen at last isn't what the server was started with */
    struct target targets[] = {{.path = "/page.bin", .manner = REPLACED, .id = 1},
                               {.path = "/deep/page.bin", .manner = REPLACED, .id = 2},
                               {.path = "/large.bin", .manner = REPLACED, .id = 3, .large = true}};
    struct fixture fixture;
    struct crowd crowd;
    char root[96];
    fixture_open(&fixture);
    fixture_dir(&fixture, "release0/deep");
    fixture_dir(&fixture, "release1/deep");
    deploy(&fixture, targets, 0);
    snprintf(root, sizeof root, "%s/current", fixture.path);
    struct server *server = start_server(state, root);
    crowd_start(&crowd, server_port(server), targets, 3);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        deploy(&fixture, targets, round);
        rest_ms(25);
    }
    await_and_stop(&crowd);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

static int status_of(struct server *server, const char *path) {
    struct link link = {.port = server_port(server)};
    struct answer answer;
    fetch(&link, &(struct ask){.path = path}, &answer);
    link_close(&link);
    return answer.status;
}

static void await_status(struct server *server, const char *path, int status) {
    const int64_t end_ms = clock_now_ms() + 5000;
    while (status_of(server, path) != status)
        assert_true(clock_now_ms() < end_ms);
}

/* A root that is deleted is 503, whatever is asked for, until it is back. */
static void test_root_gone(void **state) {
    struct fixture fixture;
    char root[96];
    fixture_open(&fixture);
    fixture_text(&fixture, "root/page", "one");
    snprintf(root, sizeof root, "%s/root", fixture.path);
    struct server *server = start_server(state, root);
    assert_int_equal(status_of(server, "/page"), 200);
    assert_int_equal(unlinkat(fixture.fd, "root/page", 0), 0);
    assert_int_equal(unlinkat(fixture.fd, "root", AT_REMOVEDIR), 0);
    await_status(server, "/", 503);
    await_status(server, "/page", 503);
    await_status(server, "/other", 503);
    fixture_text(&fixture, "root/page", "two");
    await_status(server, "/page", 200);
    await_status(server, "/other", 404);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* A deploy flips a link on the way to the root, as deploy tools lay it out: current/public, in releases/N. */
static void test_root_beneath_link(void **state) {
    struct fixture fixture;
    char root[96];
    fixture_open(&fixture);
    fixture_text(&fixture, "releases/1/public/first", "one");
    fixture_text(&fixture, "releases/2/public/second", "two");
    flip(&fixture, "current", "releases/1");
    snprintf(root, sizeof root, "%s/current/public", fixture.path);
    struct server *server = start_server(state, root);
    assert_int_equal(status_of(server, "/first"), 200);
    flip(&fixture, "current", "releases/2");
    await_status(server, "/second", 200);
    assert_int_equal(status_of(server, "/first"), 404);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* A deploy deletes at once what the root was before: what is in both is never missing. */
static void test_root_cleaned(void **state) {
    enum { ROUNDS = 5 };
    struct fixture fixture;
    char root[96], path[64], release[16];
    fixture_open(&fixture);
    fixture_text(&fixture, "0/index.html", "page");
    fixture_text(&fixture, "0/first", "one");
    flip(&fixture, "current", "0");
    snprintf(root, sizeof root, "%s/current", fixture.path);
    struct server *server = start_server(state, root);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        snprintf(path, sizeof path, "/%s", round == 1 ? "first" : "second");
        assert_int_equal(status_of(server, path), 200); /* and the root is known for a second */
        rest_ms(25);
        snprintf(release, sizeof release, "%u", round);
        static const char *const names[] = {"index.html", "first", "second", "third"};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            snprintf(path, sizeof path, "%s/%s", release, names[i]);
            fixture_text(&fixture, path, "two");
        }
        flip(&fixture, "current", release);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            snprintf(path, sizeof path, "%u/%s", round - 1, names[i]);
            unlinkat(fixture.fd, path, 0);
        }
        assert_int_equal(status_of(server, round % 2 ? "/third" : "/"), 200);
        assert_int_equal(status_of(server, "/third"), 200);
        assert_int_equal(status_of(server, "/fourth"), 404);
    }
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

/* A precompressed sibling appears, is replaced, gets older than its file, is made again, and vanishes; each is seen. */
static void test_siblings(void **state) {
    enum { ROUNDS = 15 };
    struct target target = {.path = "/app.js", .manner = REPLACED, .id = 1};
    struct fixture fixture;
    struct crowd crowd;
    fixture_open(&fixture);
    content_rename_over(fixture.fd, "app.js", target_begin(&target, STATE_PLAIN), 8 * KIB);
    target_done(&target);
    struct server *server = start_server(state, fixture.path);
    crowd_start(&crowd, server_port(server), &target, 1);
    bool seen = crowd_await(&crowd); /* and known to have none */
    for (unsigned round = 0; round < ROUNDS && seen; round++) {
        content_rename_over(fixture.fd, "app.js.gz", target_begin(&target, STATE_GZIP), 2 * KIB + 16 * round);
        target_done(&target);
        rest_ms(10);
    }
    seen = seen && crowd_await(&crowd);
    if (seen) { /* the file becomes newer than its sibling */
        content_rename_over(fixture.fd, "app.js", target_begin(&target, STATE_PLAIN), 4 * KIB);
        target_done(&target);
        seen = crowd_await(&crowd);
    }
    if (seen) {
        /* A new sibling, of a file that is already what will be seen when the sibling has gone. */
        uint32_t version = target_begin(&target, STATE_GZIP);
        content_rename_over(fixture.fd, "app.js", target_begin(&target, STATE_PLAIN), 6 * KIB);
        rest_ms(10); /* file systems of coarse time */
        content_rename_over(fixture.fd, "app.js.gz", version, 4 * KIB);
        target_done(&target);
        seen = crowd_await(&crowd);
    }
    if (seen) {
        must(unlinkat(fixture.fd, "app.js.gz", 0) == 0, "app.js.gz");
        target_done(&target);
        seen = crowd_await(&crowd);
    }
    bool well = crowd_stop(&crowd);
    if (!seen || !well)
        fail_msg("%s", crowd.error);
    assert_true(server_stop(server));
    fixture_close(&fixture);
}

#define TEST(name) cmocka_unit_test_prestate(name, NULL)

int main(int argc, char **argv) {
    static const struct CMUnitTest all_tests[] = {
        TEST(test_small),      TEST(test_large),
        TEST(test_names),      TEST(test_root),
        TEST(test_siblings),   TEST(test_mid_transfer),
        TEST(test_in_place),   TEST(test_mapped),
        TEST(test_same_time),  TEST(test_nodes),
        TEST(test_future),     TEST(test_huge),
        TEST(test_root_gone),  TEST(test_root_beneath_link),
        TEST(test_held_write), TEST(test_root_cleaned),
    };
    enum { TEST_COUNT = sizeof all_tests / sizeof all_tests[0] };
    struct CMUnitTest tests[TEST_COUNT];
    int failed = 0;
    if (argc < 2 || argc - 1 > MODELS_MAX) {
        fprintf(stderr, "usage: HTTPD=./httpd fresh MODEL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        for (size_t t = 0; t < TEST_COUNT; t++) {
            tests[t] = all_tests[t];
            tests[t].initial_state = argv[i];
        }
        failed += cmocka_run_group_tests_name(argv[i], tests, NULL, NULL);
    }
    return failed == 0 ? 0 : 1;
}
