/* doors MODEL... - who is let in: with few descriptors, when the server stops, and what else lands at its door.
 *
 * Servers are started through a script of the test's own where they need surroundings that the test itself can't live
 * in. Nothing sleeps to let things settle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include "clock.h"
#include "fixture.h"
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MODELS_MAX = 16,
    LARGE = 1 << 20,
    LARGE_COUNT = 12,
    IDLE_COUNT = 100,
    QUEUE_COUNT = 4,
    SOON_MS = 5000,
    GRACE_MS = 100
};

#define FIELDS " HTTP/1.1\r\nHost: localhost\r\n"
#define SMALL "GET /small.txt" FIELDS "\r\n"

static struct fixture fixture;
static char binary[PATH_MAX], script[PATH_MAX];

static int make_files(void **state) {
    char name[32];
    (void)state;
    fixture_open(&fixture);
    fixture_text(&fixture, "small.txt", "small");
    for (int i = 0; i < LARGE_COUNT; i++) {
        snprintf(name, sizeof name, "large%d.bin", i);
        fixture_sparse(&fixture, name, LARGE);
    }
    snprintf(script, sizeof script, "%s/start", fixture.path);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static bool is_blocking(void **state) {
    return strcmp(*state, "blocking") == 0;
}

static struct server *start(void **state, const char *const args[]) {
    struct server *server = server_start(*state, fixture.path, args);
    assert_non_null(server);
    return server;
}

/* Starts the server by exec from a shell that has run `before`. */
static struct server *start_after(void **state, const char *before, const char *const args[]) {
    char text[3 * PATH_MAX];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\nexec '%s' \"$@\"\n", before, binary);
    fixture_text(&fixture, "start", text);
    assert_int_equal(chmod(script, 0700), 0);
    setenv("HTTPD", script, 1);
    struct server *server = server_start(*state, fixture.path, args);
    setenv("HTTPD", binary, 1);
    assert_non_null(server);
    return server;
}

static void open_client(struct client *client, const struct server *server) {
    assert_int_equal(client_open(client, server_port(server), 0), 0);
    client->wait_ms = SOON_MS;
}

/* The next reply's status; 0 when the connection ended instead, without one. */
static int read_status(struct client *client) {
    struct reply reply;
    const char *why = "";
    int got = client_reply(client, false, &reply, &why);
    if (got < 0)
        fail_msg("no proper reply: %s", why);
    int status = got == 0 ? 0 : reply.status;
    if (got > 0)
        reply_free(&reply);
    return status;
}

/* Of a server that has been told to stop. */
static void await_stop(struct server *server) {
    int status = -1;
    assert_true(server_wait(server, SOON_MS, &status));
    assert_int_equal(status, 0);
    assert_true(server_stop(server));
}

/* A whole connection for one request. */
static int ask(const struct server *server, const char *request) {
    struct client client;
    open_client(&client, server);
    assert_int_equal(client_send_text(&client, request), 0);
    int status = read_status(&client);
    client_close(&client);
    return status;
}

/* With 64 descriptors and a hundred idle connections, everybody is let in soon, and there is a descriptor for each file
   that is asked for. The blocking model has but one place, so silence costs it time: fewer are silent there. */
static void test_few_descriptors(void **state) {
    struct server *server = start_after(state, "ulimit -n 64", (const char *const[]){"--idle-timeout", "60", NULL});
    struct client idle[IDLE_COUNT];
    int count = is_blocking(state) ? 8 : IDLE_COUNT;
    char request[128];
    for (int i = 0; i < count; i++)
        open_client(&idle[i], server);
    assert_int_equal(ask(server, SMALL), 200);
    for (int i = 0; i < LARGE_COUNT; i++) {
        snprintf(request, sizeof request, "GET /large%d.bin" FIELDS "Range: bytes=%d-\r\n\r\n", i, LARGE - 100);
        assert_int_equal(ask(server, request), 206);
    }
    for (int i = 0; i < count; i++)
        client_close(&idle[i]);
    assert_true(server_stop(server));
}

/* Who has sent a request before the stop, on a connection that the server had not accepted by then, is answered. */
static void test_stop_answers_the_queue(void **state) {
    struct server *server = start(state, (const char *const[]){"--max-connections", "2", NULL});
    struct client queue[QUEUE_COUNT];
    server_pause(server);
    for (int i = 0; i < QUEUE_COUNT; i++) {
        open_client(&queue[i], server);
        assert_int_equal(client_send_text(&queue[i], SMALL), 0);
    }
    server_signal(server, SIGTERM);
    server_signal(server, SIGCONT);
    for (int i = 0; i < QUEUE_COUNT; i++) {
        assert_int_equal(read_status(&queue[i]), 200);
        client_close(&queue[i]);
    }
    await_stop(server);
}

/* So with several workers, and on connections that were kept. */
static void test_stop_answers_the_kept(void **state) {
    struct server *server = start(state, (const char *const[]){"--workers", "3", NULL});
    struct client kept[QUEUE_COUNT];
    int count = is_blocking(state) ? 1 : QUEUE_COUNT;
    for (int i = 0; i < count; i++) {
        open_client(&kept[i], server);
        assert_int_equal(client_send_text(&kept[i], SMALL), 0);
        assert_int_equal(read_status(&kept[i]), 200);
    }
    server_pause(server);
    for (int i = 0; i < count; i++)
        assert_int_equal(client_send_text(&kept[i], SMALL), 0);
    server_signal(server, SIGTERM);
    server_signal(server, SIGCONT);
    for (int i = 0; i < count; i++) {
        assert_int_equal(read_status(&kept[i]), 200);
        client_close(&kept[i]);
    }
    await_stop(server);
}

/* Who asks on and on is answered until a reply says that it was the last: never is one left without. */
static void test_stop_is_announced(void **state) {
    struct server *server = start(state, NULL);
    struct client busy;
    bool last = false;
    int64_t replied_ms = clock_now_ms();
    open_client(&busy, server);
    for (int i = 0; !last; i++) {
        struct reply reply;
        const char *why = "";
        if (i == 100)
            server_signal(server, SIGTERM);
        int64_t since_ms = clock_now_ms();
        assert_int_equal(client_send_text(&busy, SMALL), 0);
        int got = client_reply(&busy, false, &reply, &why);
        if (got != 1 && since_ms - replied_ms > GRACE_MS / 2)
            skip(); /* this machine lets the client sleep for longer than the server waits for it */
        assert_int_equal(got, 1);
        replied_ms = clock_now_ms();
        last = strcasecmp(reply_field_text(&reply, "Connection"), "close") == 0;
        reply_free(&reply);
        assert_true(i < 1000000);
    }
    assert_int_equal(client_await_end(&busy), 0);
    client_close(&busy);
    await_stop(server);
}

/* A child that isn't the server's own doing, as process 1 of a container has many, doesn't stay behind as a zombie. */
static void test_orphans_are_reaped(void **state) {
    char before[PATH_MAX + 64], path[PATH_MAX];
    int pid = 0;
    snprintf(path, sizeof path, "%s/orphan", fixture.path);
    snprintf(before, sizeof before, "sleep 60 2>/dev/null &\necho $! >'%s'", path);
    struct server *server = start_after(state, before, (const char *const[]){"--workers", "2", NULL});
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int64_t until_ms = clock_now_ms() + SOON_MS;
    while (kill(pid, 0) == 0 && clock_left_ms(until_ms) > 0)
        poll(NULL, 0, 1);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(ask(server, SMALL), 200);
    assert_true(server_stop(server));
}

static const struct CMUnitTest all_tests[] = {
    cmocka_unit_test(test_few_descriptors),       cmocka_unit_test(test_stop_answers_the_queue),
    cmocka_unit_test(test_stop_answers_the_kept), cmocka_unit_test(test_stop_is_announced),
    cmocka_unit_test(test_orphans_are_reaped),
};

int main(int argc, char **argv) {
    enum { TEST_COUNT = sizeof all_tests / sizeof all_tests[0] };
    struct CMUnitTest tests[TEST_COUNT];
    const char *httpd = getenv("HTTPD");
    int failed = 0;
    if (argc < 2 || argc - 1 > MODELS_MAX || !httpd || !realpath(httpd, binary)) {
        fprintf(stderr, "usage: HTTPD=./httpd doors MODEL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        for (size_t t = 0; t < TEST_COUNT; t++) {
            tests[t] = all_tests[t];
            tests[t].initial_state = argv[i];
        }
        failed += cmocka_run_group_tests_name(argv[i], tests, make_files, remove_files);
    }
    return failed == 0 ? 0 : 1;
}
