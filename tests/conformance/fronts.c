/* fronts MODEL... - behind a balancer: PROXY headers, honest and hostile, forwarded addresses, health and the delay
 * before a stop. The test is the balancer, from 127.0.0.1 or through a unix socket. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MODELS_MAX = 16, LARGE = 16 << 20, SLACK_MS = 1500, DELAY_MS = 1000 };

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIELDS " HTTP/1.1\r\nHost: localhost\r\n"
#define SMALL "GET /small.txt" FIELDS "\r\n"
#define HEALTH "GET /up" FIELDS "\r\n"
#define FOR(path, address) "GET " path FIELDS "X-Forwarded-For: " address "\r\n\r\n"
#define V1(address) "PROXY TCP4 " address " 192.0.2.99 56324 80\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES "\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\0\x50"
#define TEN(text) text text text text text text text text text text

static struct fixture fixture;

static int make_files(void **state) {
    (void)state;
    fixture_open(&fixture);
    fixture_text(&fixture, "small.txt", "small");
    fixture_sparse(&fixture, "large.bin", LARGE);
    fixture_text(&fixture, "users", "u:$1$x$1111111111111111111111\n");
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* One client at a time is all that model has. */
static bool is_blocking(void **state) {
    return strcmp(*state, "blocking") == 0;
}

#define START(state, ...) start(state, (const char *const[]){__VA_ARGS__, NULL})

static struct server *start(void **state, const char *const args[]) {
    struct server *server = server_start(*state, fixture.path, args);
    assert_non_null(server);
    return server;
}

static void open_client(struct client *client, const struct server *server) {
    assert_int_equal(client_open(client, server_port(server), 0), 0);
}

/* A reply: its status, whether it says that the connection ends, and whether no cache keeps it. 0: the connection ended
   instead. */
static int read_reply(struct client *client, bool *closes, bool *no_store) {
    struct reply reply;
    const char *why = "";
    int got = client_reply(client, false, &reply, &why);
    if (got == -ECONNRESET || got == 0) /* what it had sent was not read */
        return 0;
    if (got < 0)
        fail_msg("no proper reply: %s", why);
    int status = reply.status;
    *closes = strcasecmp(reply_field_text(&reply, "Connection"), "close") == 0;
    *no_store = strcmp(reply_field_text(&reply, "Cache-Control"), "no-store") == 0;
    reply_free(&reply);
    return status;
}

static int read_status(struct client *client) {
    bool closes, no_store;
    return read_reply(client, &closes, &no_store);
}

static int ask(struct client *client, const char *request) {
    client_send_text(client, request); /* where it fails, no reply comes */
    return read_status(client);
}

/* A whole connection for what `bytes` hold; the status of its first reply. */
static int ask_once(const struct server *server, const char *bytes) {
    struct client client;
    open_client(&client, server);
    int status = ask(&client, bytes);
    client_close(&client);
    return status;
}

struct header {
    const char *bytes;
    size_t len;
    int status; /* of a good request behind it; 0: the connection is closed without a word */
};

#define HEADER(text, status)                                                                                           \
    { text, sizeof(text) - 1, status }

static const struct header headers[] = {
    HEADER(V1("192.0.2.1"), 200),
    HEADER("PROXY TCP6 2001:db8::1 2001:db8::2 56324 80\r\n", 200),
    HEADER("PROXY UNKNOWN\r\n", 200),
    HEADER(SIGNATURE "\x21\x11\0\x0c" ADDRESSES, 200),
    HEADER(SIGNATURE "\x21\x11\0\x13" ADDRESSES "\x04\0\x04none", 200),
    HEADER(SIGNATURE "\x20\0\0\0", 200),
    HEADER("", 0),
    HEADER("\r\n", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n", 0),
    HEADER("PROXY TCP4 999.0.2.1 192.0.2.2 56324 80\r\n", 0),
    HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\n", 0),
    HEADER("PROXY TCP9 192.0.2.1 192.0.2.2 56324 80\r\n", 0),
    HEADER("PROXY UNKNOWN " TEN(TEN("x")) "\r\n", 0),
    HEADER("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c" ADDRESSES, 0),
    HEADER(SIGNATURE "\x31\x11\0\x0c" ADDRESSES, 0),
    HEADER(SIGNATURE "\x21\x11\0\x04" ADDRESSES, 0),
    HEADER(SIGNATURE "\x21\x21\0\x0c" ADDRESSES, 0),
    HEADER(SIGNATURE "\x21\x11\xff\xff" ADDRESSES, 0),
    HEADER(V1("192.0.2.1") V1("192.0.2.1"), 400), /* the second is a request, and a bad one */
    HEADER(SIGNATURE "\x20\0\0\0" SIGNATURE "\x20\0\0\0", 400),
};

static void check_header(const struct server *server, const struct header *header, bool drip) {
    struct client client;
    char bytes[1024];
    size_t cuts[sizeof bytes], len = header->len + sizeof SMALL - 1;
    memcpy(bytes, header->bytes, header->len);
    memcpy(bytes + header->len, SMALL, sizeof SMALL - 1);
    for (size_t i = 0; i < header->len; i++)
        cuts[i] = i + 1;
    open_client(&client, server);
    client_send_cut(&client, bytes, len, cuts, drip ? header->len : 0);
    int status = read_status(&client);
    if (status != header->status)
        fail_msg("%.*s, %s: %d", (int)header->len, header->bytes, drip ? "dripped" : "at once", status);
    if (status == 200) /* and the connection goes on */
        assert_int_equal(ask(&client, SMALL), 200);
    client_close(&client);
}

static void test_headers(void **state) {
    struct server *server = START(state, "--trust", "127.0.0.0/8", "--proxy-protocol");
    for (size_t i = 0; i < COUNT(headers); i++) {
        check_header(server, &headers[i], false);
        check_header(server, &headers[i], true);
    }
    assert_true(server_stop(server));
}

/* One deadline for all of it, and then no word. */
static void test_dripped_header(void **state) {
    struct server *server =
        START(state, "--trust", "127.0.0.1", "--proxy-protocol", "--header-timeout", "1", "--idle-timeout", "30");
    struct client client;
    struct pollfd event;
    open_client(&client, server);
    event = (struct pollfd){.fd = client.fd, .events = POLLIN};
    int64_t since_ms = clock_now_ms();
    for (const char *at = V1("192.0.2.1"); *at; at++)
        if (client_send(&client, at, 1) < 0 || poll(&event, 1, 200) > 0)
            break;
    int ended = client_await_end(&client);
    assert_true(ended == 0 || ended == -ECONNRESET);
    assert_in_range(clock_now_ms() - since_ms, 800, 1000 + SLACK_MS);
    client_close(&client);
    assert_int_equal(ask_once(server, V1("192.0.2.1") SMALL), 200);
    assert_true(server_stop(server));
}

/* A client that isn't a balancer needs no header, and isn't believed when it sends one. */
static void test_untrusted(void **state) {
    struct server *server = START(state, "--trust", "192.0.2.0/24", "--proxy-protocol");
    assert_int_equal(ask_once(server, SMALL), 200);
    assert_int_equal(ask_once(server, V1("192.0.2.1") SMALL), 400);
    assert_true(server_stop(server));
}

/* Connections count for whom the header names. */
static void test_proxied_count(void **state) {
    struct server *server =
        START(state, "--trust", "127.0.0.1", "--proxy-protocol", "--max-per-ip", "2", "--workers", "2");
    struct client clients[3], other, check;
    if (is_blocking(state))
        skip();
    for (int i = 0; i < 2; i++) {
        open_client(&clients[i], server);
        assert_int_equal(ask(&clients[i], V1("192.0.2.1") SMALL), 200);
    }
    assert_int_equal(ask_once(server, V1("192.0.2.1") SMALL), 0);
    open_client(&other, server);
    assert_int_equal(ask(&other, V1("192.0.2.2") SMALL), 200);
    for (int i = 0; i < 3; i++) { /* the balancer's own count for nobody */
        open_client(&clients[2], server);
        assert_int_equal(ask(&clients[2], "PROXY UNKNOWN\r\n" SMALL), 200);
        if (i < 2)
            client_close(&clients[2]);
    }
    open_client(&check, server);
    assert_int_equal(ask(&check, "PROXY UNKNOWN\r\n" SMALL), 200);
    client_close(&check);
    client_close(&clients[0]);
    int status = 0; /* its place is free once the server has seen it go */
    for (int64_t until_ms = clock_now_ms() + 5000; status == 0 && clock_left_ms(until_ms) > 0;)
        status = ask_once(server, V1("192.0.2.1") SMALL);
    assert_int_equal(status, 200);
    client_close(&clients[1]);
    client_close(&clients[2]);
    client_close(&other);
    assert_true(server_stop(server));
}

/* Of those that come at once, to all workers, as many are let in as may be. */
static void test_count_at_once(void **state) {
    struct server *server = START(state, "--max-per-ip", "3", "--workers", "4");
    struct client clients[64];
    int let_in = 0;
    if (is_blocking(state))
        skip();
#ifdef __SANITIZE_ADDRESS__ /* its allocator can't be forked while another worker has its lock */
    if (strcmp(*state, "fork") == 0)
        skip();
#endif
    server_pause(server);
    for (size_t i = 0; i < COUNT(clients); i++) {
        open_client(&clients[i], server);
        client_send_text(&clients[i], SMALL);
    }
    server_signal(server, SIGCONT);
    for (size_t i = 0; i < COUNT(clients); i++)
        let_in += read_status(&clients[i]) == 200;
    assert_int_equal(let_in, 3);
    for (size_t i = 0; i < COUNT(clients); i++)
        client_close(&clients[i]);
    assert_true(server_stop(server));
}

/* Requests count for whom they are forwarded for, as long as they are answered; the connection stays. */
static void test_forwarded_count(void **state) {
    struct server *server = START(state, "--trust", "127.0.0.1", "--max-per-ip", "1", "--workers", "2");
    struct client busy, next;
    if (is_blocking(state))
        skip();
    assert_int_equal(client_open(&busy, server_port(server), 4096), 0);
    client_send_text(&busy, FOR("/large.bin", "192.0.2.1"));
    struct pollfd event = {.fd = busy.fd, .events = POLLIN};
    assert_int_equal(poll(&event, 1, CLIENT_WAIT_MS), 1);
    open_client(&next, server);
    assert_int_equal(ask(&next, FOR("/small.txt", "192.0.2.1")), 429);
    assert_int_equal(ask(&next, FOR("/small.txt", "192.0.2.99, 192.0.2.1")), 429);
    assert_int_equal(ask(&next, FOR("/small.txt", "192.0.2.1, 192.0.2.2")), 200);
    assert_int_equal(ask(&next, SMALL), 200);
    client_close(&busy);
    int status = 429;
    for (int64_t until_ms = clock_now_ms() + 5000; status == 429 && clock_left_ms(until_ms) > 0;)
        status = ask(&next, FOR("/small.txt", "192.0.2.1"));
    assert_int_equal(status, 200);
    client_close(&next);
    assert_true(server_stop(server));

    /* Whom nobody trusts counts himself. */
    server = START(state, "--trust", "192.0.2.0/24", "--max-per-ip", "1");
    open_client(&next, server);
    assert_int_equal(ask(&next, FOR("/small.txt", "192.0.2.1")), 200);
    assert_int_equal(ask_once(server, FOR("/small.txt", "192.0.2.2")), 0);
    client_close(&next);
    assert_true(server_stop(server));
}

/* A balancer on the same machine may come through a socket. */
static void test_unix(void **state) {
    char spec[PATH_MAX + 8];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct client client = {.wait_ms = CLIENT_WAIT_MS};
    snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", fixture.path);
    snprintf(spec, sizeof spec, "unix:%s", name.sun_path);
    struct server *server = START(state, "-l", spec, "--trust", "unix", "--proxy-protocol");
    client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(ask(&client, V1("192.0.2.1") SMALL), 200);
    assert_int_equal(ask(&client, SMALL), 200);
    client_close(&client);
    assert_int_equal(ask_once(server, SMALL), 200); /* from 127.0.0.1 */
    assert_true(server_stop(server));
}

static void assert_health(struct client *client, int expected) {
    bool closes, no_store;
    client_send_text(client, HEALTH);
    assert_int_equal(read_reply(client, &closes, &no_store), expected);
    assert_true(no_store);
    assert_false(closes);
}

/* Nothing stands before it. */
static void test_health(void **state) {
    char users[PATH_MAX];
    struct client client;
    snprintf(users, sizeof users, "%s/users", fixture.path);
    struct server *server =
        START(state, "--health", "/up", "--auth", users, "--vhosts", "--redirect", "/*=https://elsewhere.example/*");
    open_client(&client, server);
    assert_health(&client, 200);
    assert_int_equal(ask(&client, "GET /up?q" FIELDS "\r\n"), 200);
    assert_int_equal(ask(&client, "GET /upper" FIELDS "\r\n"), 401);
    assert_int_equal(ask(&client, "POST /up" FIELDS "\r\n"), 405);
    client_close(&client);
    assert_true(server_stop(server));
}

/* All processes that the server has made get the signal, too, as those of a service do. */
static void signal_all(struct server *server, int number) {
    char path[64];
    int pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)server_pid(server), (int)server_pid(server));
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%d", &pid) == 1)
        kill(pid, number);
    if (file)
        fclose(file);
    server_signal(server, number);
}

/* Told to stop, it says so at once, and serves all, newcomers too, for --drain-delay. */
static void test_drain_delay(void **state) {
    struct server *server = START(state, "--health", "/up", "--drain-delay", "1");
    struct client client;
    bool closes = true, no_store;
    int status = -1;
    open_client(&client, server);
    assert_health(&client, 200);
    int64_t since_ms = clock_now_ms();
    signal_all(server, SIGTERM);
    for (int answer = 200; answer == 200;) { /* the signal may take a moment */
        assert_true(clock_now_ms() - since_ms < DELAY_MS);
        answer = ask(&client, HEALTH);
        assert_true(answer == 200 || answer == 503);
    }
    assert_health(&client, 503);
    client_send_text(&client, SMALL);
    assert_int_equal(read_reply(&client, &closes, &no_store), 200);
    assert_false(closes);
    if (is_blocking(state))
        client_close(&client);
    assert_int_equal(ask_once(server, HEALTH), 503);
    assert_int_equal(ask_once(server, SMALL), 200);
    assert_false(server_wait(server, 0, NULL));
    if (!is_blocking(state)) { /* who is idle is let go after the delay */
        assert_int_equal(client_await_end(&client), 0);
        assert_in_range(clock_now_ms() - since_ms, DELAY_MS - 100, DELAY_MS + SLACK_MS);
        client_close(&client);
    }
    assert_true(server_wait(server, DELAY_MS + SLACK_MS, &status));
    assert_int_equal(status, 0);
    assert_in_range(clock_now_ms() - since_ms, DELAY_MS - 100, DELAY_MS + 2 * SLACK_MS);
    assert_true(server_stop(server));
}

static void test_second_signal(void **state) {
    struct server *server = START(state, "--health", "/up", "--drain-delay", "600");
    struct client client;
    int status = 0;
    open_client(&client, server);
    server_signal(server, SIGTERM);
    for (int answer = 200; answer == 200;)
        answer = ask(&client, HEALTH);
    assert_false(server_wait(server, 0, NULL));
    server_signal(server, SIGTERM);
    assert_true(server_wait(server, 1000, &status));
    client_close(&client);
    assert_true(server_close(server));
}

static const struct CMUnitTest all_tests[] = {
    cmocka_unit_test(test_headers),       cmocka_unit_test(test_dripped_header),  cmocka_unit_test(test_untrusted),
    cmocka_unit_test(test_proxied_count), cmocka_unit_test(test_forwarded_count), cmocka_unit_test(test_unix),
    cmocka_unit_test(test_health),        cmocka_unit_test(test_drain_delay),     cmocka_unit_test(test_second_signal),
    cmocka_unit_test(test_count_at_once),
};

int main(int argc, char **argv) {
    struct CMUnitTest tests[COUNT(all_tests)];
    int failed = 0;
    if (argc < 2 || argc - 1 > MODELS_MAX) {
        fprintf(stderr, "usage: HTTPD=./httpd fronts MODEL...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        for (size_t t = 0; t < COUNT(all_tests); t++) {
            tests[t] = all_tests[t];
            tests[t].initial_state = argv[i];
        }
        failed += cmocka_run_group_tests_name(argv[i], tests, make_files, remove_files);
    }
    return failed == 0 ? 0 : 1;
}
