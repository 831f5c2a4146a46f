/* The raw ring against the kernel, and the backend where no client from outside gets at it reliably: buffers that run
   out, clients that go with ops under way. Skipped where io_uring is forbidden. */
#define _GNU_SOURCE
#include "backend/uring_ring.h"
#include "host/worker.h"
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLACES = 8, PATIENCE_MS = 5000 };

static struct uring_ring ring;

static int open_ring(void **state) {
    (void)state;
    return uring_ring_open(&ring, PLACES, 1024);
}

static int close_ring(void **state) {
    (void)state;
    uring_ring_close(&ring);
    return 0;
}

static void await_result(struct io_uring_cqe *result) {
    if (!uring_ring_result(&ring, result)) {
        uring_ring_enter(&ring, PATIENCE_MS);
        assert_true(uring_ring_result(&ring, result));
    }
}

static void test_more_ops_than_places(void **state) {
    (void)state;
    for (unsigned i = 0; i < 10 * PLACES; i++) {
        struct io_uring_sqe *op = uring_ring_op(&ring);
        assert_true(uring_ring_place(&ring, op) < PLACES);
        op->opcode = IORING_OP_NOP;
        op->user_data = i;
    }
    for (unsigned i = 0; i < 10 * PLACES; i++) {
        struct io_uring_cqe result;
        await_result(&result);
        assert_int_equal(result.user_data, i);
    }
}

static void test_wait_ends(void **state) {
    struct io_uring_cqe result;
    (void)state;
    uring_ring_enter(&ring, 0);
    uring_ring_enter(&ring, 20);
    assert_false(uring_ring_result(&ring, &result));
}

static void test_poll_and_cancel(void **state) {
    struct io_uring_cqe result;
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    uring_ring_poll(&ring, ends[0], POLLIN, 7);
    uring_ring_enter(&ring, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    await_result(&result);
    assert_int_equal(result.user_data, 7);
    assert_true(result.res > 0);
    uring_ring_poll(&ring, ends[1], POLLIN, 8);
    uring_ring_cancel(&ring, 8, 9);
    for (int i = 0; i < 2; i++) {
        await_result(&result);
        assert_int_equal(result.res, result.user_data == 8 ? -ECANCELED : 0);
    }
    close(ends[0]);
    close(ends[1]);
}

static void arm_receive(int fd, bool multishot) {
    struct io_uring_sqe *op = uring_ring_fd_op(&ring, IORING_OP_RECV, fd, 1);
    op->flags = IOSQE_BUFFER_SELECT;
    op->buf_group = URING_GROUP;
    op->ioprio = multishot ? IORING_RECV_MULTISHOT : 0;
}

/* All buffers are kept: receiving ends with -ENOBUFS and, when they are given back, goes on where it was. */
static void test_buffers_run_out(void **state) {
    struct uring_buffers buffers;
    struct uring_buffer *kept[URING_LENT], *buffer;
    char sent[2 * URING_LENT], got[2 * URING_LENT];
    int ends[2], count = 0, given_back = 0;
    (void)state;
    assert_int_equal(uring_buffers_open(&buffers, &ring, 0), 0);
    assert_true(uring_buffers_lend(&buffers));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    arm_receive(ends[0], true);
    for (int i = 0; i < (int)sizeof sent; i++) {
        struct io_uring_cqe result;
        sent[i] = (char)i;
        assert_int_equal(send(ends[1], &sent[i], 1, 0), 1);
        await_result(&result);
        if (result.res == -ENOBUFS) {
            assert_int_equal(count - given_back, URING_LENT);
            assert_false(result.flags & IORING_CQE_F_MORE);
            assert_false(uring_buffers_lend(&buffers));
            for (; given_back < count; given_back++)
                uring_buffers_drop(&buffers, kept[given_back % URING_LENT]);
            assert_true(uring_buffers_lend(&buffers));
            arm_receive(ends[0], true);
            await_result(&result);
        }
        assert_int_equal(result.res, 1);
        assert_true(result.flags & IORING_CQE_F_MORE);
        assert_non_null(buffer = kept[count % URING_LENT] = uring_buffers_take(&buffers, &result));
        assert_int_equal(buffer->len, 1);
        got[count++] = buffer->bytes[0];
    }
    assert_int_equal(count, sizeof sent);
    assert_memory_equal(sent, got, sizeof sent);
    close(ends[0]);
    close(ends[1]);
    uring_buffers_close(&buffers);
}

/* The backend, driven by hand: clients are socket pairs. */

enum { CAPACITY = 64, FLOODERS = 48 };

static struct config config;
static struct listeners no_listeners;
static struct worker worker;
static struct generation generation = {.refs = 1};
static char root[] = "/tmp/httpd-uring-XXXXXX";

static int open_worker(void **state) {
    static char file[300 * 1024], path[64], model[] = "-muring", quiet[] = "-q", program[] = "httpd",
                                            root_option[] = "-r";
    char *argv[] = {program, quiet, model, root_option, root, NULL};
    (void)state;
    if (!mkdtemp(strcpy(root, "/tmp/httpd-uring-XXXXXX")))
        return -1;
    snprintf(path, sizeof path, "%s/file", root);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    memset(file, 'x', sizeof file);
    if (write(fd, file, sizeof file) != sizeof file)
        return -1;
    close(fd);
    optind = 0;
    config_read(&config, 5, argv);
    const struct worker_shared shared = {.known = known_open(), .loaders = loaders_open(NULL)};
    generation.settings = &config.settings;
    return worker_open(&worker, &worker, &generation, &no_listeners, &shared, CAPACITY, CAPACITY) &&
                   worker_start(&worker)
               ? 0
               : -1;
}

static int close_worker(void **state) {
    char path[64];
    (void)state;
    worker.settings->backend->close(worker.model);
    worker_close(&worker);
    snprintf(path, sizeof path, "%s/file", root);
    return unlink(path) < 0 || rmdir(root) < 0 ? -1 : 0;
}

/* Lets a client in. Returns its own end. */
static int let_in(void) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    struct client *client = clients_take(&worker.clients, ends[0]);
    assert_non_null(client);
    conn_open(&client->conn, &worker.env, NULL);
    clients_note(&worker.clients, client);
    worker.settings->backend->take(worker.model, client);
    return ends[1];
}

/* A round of the worker's that never waits. */
static void go_round(void) {
    const uint64_t one = 1;
    assert_int_equal(write(worker.wake_fd, &one, sizeof one), sizeof one);
    worker.settings->backend->wait(worker.model, false);
    struct pollfd loaded = {.fd = worker.wake_fd, .events = POLLIN};
    if (worker.loading > 0)
        assert_int_equal(poll(&loaded, 1, 5000), 1);
}

/* Asks for the file and takes it, while the worker goes round at most `rounds` times. */
static void expect_served(int fd, int rounds) {
    static const char request[] = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";
    static char reply[400 * 1024];
    size_t len = 0;
    assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    while (len < 300 * 1024 && rounds-- > 0) {
        ssize_t n;
        go_round();
        while ((n = recv(fd, reply + len, sizeof reply - len, 0)) > 0)
            len += (size_t)n;
        assert_true(n < 0 && errno == EAGAIN);
    }
    assert_true(len >= 300 * 1024);
    assert_memory_equal(reply, "HTTP/1.1 200 ", 13);
}

static void flood(int fd) {
    static const char request[] = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";
    char many[128 * (sizeof request - 1)];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = request[i % (sizeof request - 1)];
    while (send(fd, many, sizeof many, MSG_NOSIGNAL) > 0)
        ;
}

static bool cut(int fd) {
    char bytes[64 * 1024];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    return n == 0 || errno != EAGAIN;
}

/* Together, clients that send ahead and read nothing can hold more than there is: others are served all the same. */
static void test_flood(void **state) {
    int flooders[FLOODERS], good = let_in(), cut_count = 0;
    (void)state;
    for (int i = 0; i < FLOODERS; i++)
        flooders[i] = let_in();
    for (int turns = 0; turns < 8; turns++) {
        for (int i = 0; i < FLOODERS; i++)
            flood(flooders[i]);
        go_round();
        expect_served(good, 200);
    }
    for (int i = 0; i < FLOODERS; i++) {
        cut_count += cut(flooders[i]);
        close(flooders[i]);
    }
    assert_in_range(cut_count, 1, FLOODERS - 1); /* those who had the most, and no more than need be */
    for (int i = 0; i < 200 && worker.clients.count > 1; i++)
        go_round();
    assert_int_equal(worker.clients.count, 1);
    expect_served(good, 50);
    close(good);
}

/* Clients that leave in every state; each slot is used many times. */
static void test_come_and_go(void **state) {
    int fds[CAPACITY];
    (void)state;
    for (int turn = 0; turn < 100; turn++) {
        int count = CAPACITY - (int)worker.clients.count;
        for (int i = 0; i < count; i++) {
            fds[i] = let_in();
            if (i % 4 == 1)
                flood(fds[i]);
            if (i % 4 == 2)
                assert_int_equal(send(fds[i], "GET /file HTTP", 14, 0), 14);
            if (i % 4 == 3)
                assert_int_equal(send(fds[i], "GET /file HTTP/1.0\r\n\r\n", 22, 0), 22);
        }
        for (int i = 0; i < turn % 5; i++)
            go_round();
        if (turn % 3 == 0) {
            struct client *client;
            unsigned cursor = 0;
            while ((client = clients_each(&worker.clients, &cursor)))
                worker.settings->backend->drain(worker.model, client);
        }
        for (int i = 0; i < count; i++)
            close(fds[i]);
        for (int i = 0; i < 200 && worker.clients.count > 0; i++)
            go_round();
        assert_int_equal(worker.clients.count, 0);
    }
    int last = let_in();
    expect_served(last, 50);
    close(last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_ops_than_places, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_wait_ends, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_poll_and_cancel, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_buffers_run_out, open_ring, close_ring),
        cmocka_unit_test_setup_teardown(test_flood, open_worker, close_worker),
        cmocka_unit_test_setup_teardown(test_come_and_go, open_worker, close_worker),
    };
    signal(SIGPIPE,
           SIG_IGN); /* as the server does: sendfile(2), by which a file leaves that has stood, can't be told */
    int error = uring_ring_open(&ring, PLACES, PLACES);
    if (error) {
        printf("skipped: io_uring: %s\n", strerror(-error));
        return 0;
    }
    uring_ring_close(&ring);
    return cmocka_run_group_tests_name("uring", tests, NULL, NULL);
}
