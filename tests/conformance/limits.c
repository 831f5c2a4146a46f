/* limits MODEL... - what the server does about time, numbers and signals.
 *
 * Each test starts a server with short limits and waits for what must happen, with a bound; nothing sleeps to let
 * things settle. A slow client is slow by waiting for a reply that should not come yet. */
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
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS_MAX = 16, MIB = 1 << 20, LARGE = 64 * MIB, SLACK_MS = 1500 };

#define FIELDS " HTTP/1.1\r\nHost: localhost\r\n"
#define SMALL "GET /small.txt" FIELDS "\r\n"

static struct fixture fixture;

static int make_files(void **state) {
    (void)state;
    fixture_open(&fixture);
    fixture_text(&fixture, "small.txt", "small");
    fixture_sparse(&fixture, "large.bin", LARGE);
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

static void open_client(struct client *client, const struct server *server) {
    assert_int_equal(client_open(client, server_port(server), 0), 0);
}

/* Reads one reply: its status, and whether it says that the connection ends. 0 when the connection ended instead. */
static int read_status(struct client *client, bool *closes) {
    struct reply reply;
    const char *why = "";
    int got = client_reply(client, false, &reply, &why);
    if (got < 0)
        fail_msg("no proper reply: %s", why);
    if (got == 0)
        return 0;
    int status = reply.status;
    if (closes)
        *closes = strcasecmp(reply_field_text(&reply, "Connection"), "close") == 0;
    reply_free(&reply);
    return status;
}

static void ask_small(struct client *client) {
    assert_int_equal(client_send_text(client, SMALL), 0);
    assert_int_equal(read_status(client, NULL), 200);
}

/* A whole connection for one request. */
static void ask_once(const struct server *server, int wait_ms) {
    struct client client;
    open_client(&client, server);
    client.wait_ms = wait_ms;
    ask_small(&client);
    client_close(&client);
}

/* True as soon as any of the events is there. */
static bool wait_for(const struct client *client, short events, int timeout_ms) {
    struct pollfd event = {.fd = client->fd, .events = events};
    return poll(&event, 1, timeout_ms) > 0;
}

static void assert_within(int64_t since_ms, int least_ms, int most_ms) {
    int64_t took_ms = clock_now_ms() - since_ms;
    if (took_ms < least_ms || took_ms > most_ms)
        fail_msg("took %d ms, not %d to %d", (int)took_ms, least_ms, most_ms);
}

/* One byte at a time until the server reacts, or everything is sent. */
static void drip(struct client *client, const char *text, int pause_ms) {
    for (; *text && !wait_for(client, POLLIN, pause_ms); text++)
        if (client_send(client, text, 1) < 0)
            return;
}

/* A head that drips in is cut off by one deadline, which the drops don't renew. */
static void test_dripped_head(void **state) {
    struct server *server = start(state, (const char *const[]){"--header-timeout", "1", "--idle-timeout", "30", NULL});
    struct client client;
    bool closes = true;
    open_client(&client, server);
    client_send_text(&client, "G");
    int64_t since_ms = clock_now_ms();
    drip(&client, "ET /small.txt HTTP/1.1\r\nHost: localhost\r\nX-A: bbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 200);
    int status = read_status(&client, &closes);
    assert_within(since_ms, 800, 1000 + SLACK_MS);
    assert_true(status == 408 || status == 0);
    assert_true(closes);
    assert_int_equal(client_await_end(&client), 0);
    client_close(&client);
    assert_true(server_stop(server));
}

/* A head that drips in fast enough is answered. */
static void test_slow_head(void **state) {
    struct server *server = start(state, (const char *const[]){"--header-timeout", "5", "--idle-timeout", "5", NULL});
    struct client client;
    open_client(&client, server);
    drip(&client, SMALL, 10);
    assert_int_equal(read_status(&client, NULL), 200);
    client_close(&client);
    assert_true(server_stop(server));
}

/* Nor may a body that never comes whole hold the connection for ever. */
static void test_missing_body(void **state) {
    struct server *server = start(state, (const char *const[]){"--header-timeout", "1", "--idle-timeout", "1", NULL});
    struct client client;
    open_client(&client, server);
    client_send_text(&client, "POST /" FIELDS "Content-Length: 100\r\n\r\n");
    int64_t since_ms = clock_now_ms();
    drip(&client, "0123456789012345678901234567890123456789", 200);
    int status = read_status(&client, NULL);
    assert_within(since_ms, 800, 2000 + SLACK_MS);
    assert_true(status == 408 || status == 405 || status == 0);
    client_close(&client);
    assert_true(server_stop(server));
}

/* Who says nothing is told nothing. */
static void test_silence(void **state) {
    struct server *server = start(state, (const char *const[]){"--header-timeout", "1", "--idle-timeout", "1", NULL});
    struct client silent;
    int64_t since_ms = clock_now_ms();
    open_client(&silent, server);
    assert_int_equal(client_await_end(&silent), 0);
    assert_within(since_ms, 800, 1000 + SLACK_MS);
    client_close(&silent);

    struct client idle;
    open_client(&idle, server);
    ask_small(&idle);
    ask_small(&idle);
    since_ms = clock_now_ms();
    assert_int_equal(client_await_end(&idle), 0);
    assert_within(since_ms, 800, 1000 + SLACK_MS);
    client_close(&idle);
    assert_true(server_stop(server));
}

/* Reads and forgets until the connection ends, or at_most bytes came; their number. */
static size_t read_rest(struct client *client, size_t at_most) {
    size_t total = client->in.len;
    ssize_t got = 1;
    while (got > 0 && total < at_most) {
        bytes_drop(&client->in, client->in.len);
        got = client_receive(client, 256 << 10);
        total += got > 0 ? (size_t)got : 0;
    }
    assert_int_not_equal(got, -ETIMEDOUT);
    bytes_drop(&client->in, client->in.len);
    return total;
}

/* Who doesn't read is dropped, and meanwhile costs nobody else anything. */
static void test_no_reader(void **state) {
    struct server *server = start(state, (const char *const[]){"--send-timeout", "1", NULL});
    struct client lazy;
    assert_int_equal(client_open(&lazy, server_port(server), 4096), 0);
    client_send_text(&lazy, "GET /large.bin" FIELDS "\r\n");
    assert_true(wait_for(&lazy, POLLIN, CLIENT_WAIT_MS));
    int64_t until_ms = clock_now_ms() + 1000 + SLACK_MS;
    /* A reset shows at once; an end behind unread bytes can't show before they are read. */
    while (clock_left_ms(until_ms) > 0 && !wait_for(&lazy, 0, 100))
        if (!is_blocking(state))
            ask_once(server, 1000);
    size_t came = read_rest(&lazy, LARGE);
    assert_true(came < LARGE);
    client_close(&lazy);
    ask_once(server, 2000);
    assert_true(server_stop(server));
}

/* Who reads slowly, but reads, gets everything. */
static void test_slow_reader(void **state) {
    struct server *server = start(state, (const char *const[]){"--send-timeout", "1", NULL});
    struct client slow;
    assert_int_equal(client_open(&slow, server_port(server), 65536), 0);
    client_send_text(&slow, "GET /large.bin" FIELDS "Connection: close\r\n\r\n");
    size_t came = 0;
    for (int64_t until_ms = clock_now_ms() + 2000; clock_left_ms(until_ms) > 0;) {
        came += read_rest(&slow, 1);
        wait_for(&slow, 0, 50);
    }
    came += read_rest(&slow, 2 * (size_t)LARGE);
    assert_true(came > LARGE && came < LARGE + 4096);
    client_close(&slow);
    assert_true(server_stop(server));
}

static void test_max_requests(void **state) {
    struct server *server = start(state, (const char *const[]){"--max-requests", "3", NULL});
    struct client client;
    open_client(&client, server);
    for (int i = 1; i <= 3; i++) {
        bool closes = false;
        client_send_text(&client, SMALL);
        assert_int_equal(read_status(&client, &closes), 200);
        assert_int_equal(closes, i == 3);
    }
    assert_int_equal(client_await_end(&client), 0);
    client_close(&client);

    /* Pipelined, the fourth isn't answered. */
    open_client(&client, server);
    client_send_text(&client, SMALL SMALL SMALL SMALL);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(read_status(&client, NULL), 200);
    assert_int_equal(client_await_end(&client), 0);
    client_close(&client);
    assert_true(server_stop(server));
}

/* When all places are taken by idle connections, the oldest makes room. */
static void test_max_connections(void **state) {
    struct server *server = start(
        state, (const char *const[]){"--max-connections", "4", "--idle-timeout", "60", "--header-timeout", "60", NULL});
    struct client clients[5];
    for (int i = 0; i < 5; i++) {
        open_client(&clients[i], server);
        clients[i].wait_ms = 3000;
        ask_small(&clients[i]);
    }
    assert_int_equal(client_await_end(&clients[0]), 0);
    /* The blocking model has only ever one connection. */
    for (int i = 1; i < 5 && !is_blocking(state); i++)
        ask_small(&clients[i]);
    for (int i = 0; i < 5; i++)
        client_close(&clients[i]);
    assert_true(server_stop(server));
}

/* However few there may be: one who sends many requests ahead is answered all of them, and one who sends a long body is
   told that it isn't wanted. */
static void test_few_send_ahead(void **state) {
    enum { AHEAD = 120, BODY_LEN = 60 * 1024 };
    struct server *server = start(state, (const char *const[]){"--max-connections", "1", NULL});
    struct client client;
    struct bytes ahead = {0};
    for (int i = 0; i < AHEAD; i++)
        bytes_addf(&ahead, "GET /small.txt" FIELDS "X: %0400d\r\n\r\n", i);
    server_pause(server); /* it comes at once */
    open_client(&client, server);
    assert_int_equal(client_send(&client, ahead.at, ahead.len), 0);
    server_signal(server, SIGCONT);
    for (int i = 0; i < AHEAD; i++)
        assert_int_equal(read_status(&client, NULL), 200);
    client_close(&client);

    ahead.len = 0;
    bytes_addf(&ahead, "POST /small.txt" FIELDS "Content-Length: 2000000\r\n\r\n%0*d", BODY_LEN, 0);
    server_pause(server);
    open_client(&client, server);
    assert_int_equal(client_send(&client, ahead.at, ahead.len), 0);
    server_signal(server, SIGCONT);
    assert_int_equal(read_status(&client, NULL), 405);
    client_close(&client);
    bytes_free(&ahead);
    assert_true(server_stop(server));
}

/* Who is served while somebody waits at the door is told to go afterwards, so that it need not be waited for. */
static void test_crowd_is_told(void **state) {
    struct server *server = start(state, (const char *const[]){"--max-connections", "1", NULL});
    struct client crowd[4];
    bool closes = false;
    server_pause(server); /* they come at once */
    for (int i = 0; i < 4; i++) {
        open_client(&crowd[i], server);
        client_send_text(&crowd[i], SMALL);
    }
    server_signal(server, SIGCONT);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_status(&crowd[i], &closes), 200);
        assert_true(closes || i == 3);
    }
    for (int i = 0; i < 4; i++)
        client_close(&crowd[i]);
    assert_true(server_stop(server));
}

/* At the limit and busy, the next one waits in the backlog, and is served when there is room. */
static void test_backlog(void **state) {
    struct server *server = start(state, (const char *const[]){"--max-connections", "1", "--send-timeout", "60", NULL});
    struct client busy, next;
    assert_int_equal(client_open(&busy, server_port(server), 4096), 0);
    client_send_text(&busy, "GET /large.bin" FIELDS "Connection: close\r\n\r\n");
    assert_true(wait_for(&busy, POLLIN, CLIENT_WAIT_MS));
    open_client(&next, server);
    client_send_text(&next, SMALL);
    assert_false(wait_for(&next, POLLIN, 300));
    assert_true(read_rest(&busy, 2 * (size_t)LARGE) > LARGE);
    client_close(&busy);
    assert_int_equal(read_status(&next, NULL), 200);
    client_close(&next);
    assert_true(server_stop(server));
}

/* What a client sends behind its last request is no reason to lose the reply. */
static void test_more_than_the_last(void **state) {
    struct server *server = start(state, NULL);
    struct client slow;
    assert_int_equal(client_open(&slow, server_port(server), 4096), 0);
    client_send_text(&slow, "GET /large.bin" FIELDS "Connection: close\r\n\r\n");
    assert_true(wait_for(&slow, POLLIN, CLIENT_WAIT_MS));
    client_send_text(&slow, "\r\n");
    assert_true(read_rest(&slow, 2 * (size_t)LARGE) > LARGE);
    client_close(&slow);
    assert_true(server_stop(server));
}

/* Silent connections, as browsers open them, keep nobody waiting. */
static void test_silent_crowd(void **state) {
    struct server *server = start(state, (const char *const[]){"--header-timeout", "60", "--idle-timeout", "60", NULL});
    struct client crowd[8], idle;
    for (size_t i = 0; i < 8; i++)
        open_client(&crowd[i], server);
    ask_once(server, 2000);
    open_client(&idle, server);
    idle.wait_ms = 2000;
    ask_small(&idle);
    ask_once(server, 2000);
    client_close(&idle);
    for (size_t i = 0; i < 8; i++)
        client_close(&crowd[i]);
    assert_true(server_stop(server));
}

/* Until connections are refused; those that still get into the backlog are closed again. */
static void await_refusal(const struct server *server) {
    struct client client;
    for (int64_t until_ms = clock_now_ms() + 5000; clock_left_ms(until_ms) > 0;) {
        int error = client_open(&client, server_port(server), 0);
        if (error == -ECONNREFUSED)
            return;
        if (error < 0)
            continue;
        wait_for(&client, POLLIN, 10);
        client_close(&client);
    }
    fail_msg("connections are still accepted after SIGTERM");
}

/* SIGTERM: what is being answered is finished, what is idle is closed at once, and the exit status is 0. */
static void test_drain(void **state) {
    struct server *server = start(state, (const char *const[]){"--idle-timeout", "60", NULL});
    struct client idle, busy;
    open_client(&idle, server);
    ask_small(&idle);
    assert_int_equal(client_open(&busy, server_port(server), 4096), 0);
    client_send_text(&busy, "GET /large.bin" FIELDS "\r\n");
    assert_true(wait_for(&busy, POLLIN, CLIENT_WAIT_MS));
    int64_t since_ms = clock_now_ms();
    server_signal(server, SIGTERM);
    assert_int_equal(client_await_end(&idle), 0);
    await_refusal(server);
    assert_within(since_ms, 0, 2000);
    assert_false(server_wait(server, 0, NULL));
    size_t came = read_rest(&busy, 2 * (size_t)LARGE);
    assert_true(came > LARGE && came < LARGE + 4096);
    client_close(&idle);
    client_close(&busy);
    int status = -1;
    assert_true(server_wait(server, 3000, &status));
    assert_int_equal(status, 0);
    assert_true(server_stop(server));
}

/* SIGINT, too, and with nothing to do the end comes at once. */
static void test_idle_drain(void **state) {
    struct server *server = start(state, NULL);
    struct client silent, idle;
    open_client(&silent, server);
    open_client(&idle, server);
    ask_small(&idle);
    server_signal(server, SIGINT);
    int status = -1;
    assert_true(server_wait(server, 2000, &status));
    assert_int_equal(status, 0);
    client_close(&silent);
    client_close(&idle);
    assert_true(server_stop(server));
}

/* The second signal doesn't wait for anybody. */
static void test_second_signal(void **state) {
    struct server *server = start(state, (const char *const[]){"--send-timeout", "60", NULL});
    struct client busy;
    assert_int_equal(client_open(&busy, server_port(server), 4096), 0);
    client_send_text(&busy, "GET /large.bin" FIELDS "\r\n");
    assert_true(wait_for(&busy, POLLIN, CLIENT_WAIT_MS));
    server_signal(server, SIGTERM);
    await_refusal(server);
    assert_false(server_wait(server, 0, NULL));
    server_signal(server, SIGTERM);
    assert_true(server_wait(server, 1000, NULL));
    client_close(&busy);
    assert_true(server_close(server));
}

static const struct CMUnitTest all_tests[] = {
    cmocka_unit_test(test_dripped_head),
    cmocka_unit_test(test_slow_head),
    cmocka_unit_test(test_missing_body),
    cmocka_unit_test(test_silence),
    cmocka_unit_test(test_no_reader),
    cmocka_unit_test(test_slow_reader),
    cmocka_unit_test(test_max_requests),
    cmocka_unit_test(test_max_connections),
    cmocka_unit_test(test_few_send_ahead),
    cmocka_unit_test(test_crowd_is_told),
    cmocka_unit_test(test_backlog),
    cmocka_unit_test(test_silent_crowd),
    cmocka_unit_test(test_more_than_the_last),
    cmocka_unit_test(test_drain),
    cmocka_unit_test(test_idle_drain),
    cmocka_unit_test(test_second_signal),
};

int main(int argc, char **argv) {
    enum { TEST_COUNT = sizeof all_tests / sizeof all_tests[0] };
    struct CMUnitTest tests[TEST_COUNT];
    int failed = 0;
    if (argc < 2 || argc - 1 > MODELS_MAX) {
        fprintf(stderr, "usage: HTTPD=./httpd limits MODEL...\n");
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
