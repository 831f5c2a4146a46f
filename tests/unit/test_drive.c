/* What is done for a connection by who drives it, where the whole server can't be brought to it. */
#include "engine.h"
#include "host/drive.h"
#include "site/filecache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct engine engine;

static int open_engine(void **state) {
    (void)state;
    engine_open(&engine);
    engine_connect(&engine); /* for its limits; the connections here are others, */
    engine.env.watch = NULL; /*   and what it is told is checked for its own */
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    engine_close(&engine);
    return 0;
}

/* The first line of the answer to a request whose loads begin so late. */
static const char *answer_after(uint64_t ms) {
    static const char request[] = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";
    static char line[32];
    static const struct observer nobody;
    struct drive drive = {.known = engine.known, .observer = &nobody, .share = SIZE_MAX};
    struct client client = {.fd = -1};
    struct conn_op op;
    unsigned loads = 0;
    engine_pass(&engine, FILECACHE_TRUST_MS); /* what was known has to be looked at again */
    conn_open(&client.conn, &engine.env, NULL);
    conn_feed(&client.conn, request, sizeof request - 1);
    engine_pass(&engine, ms);
    for (conn_next(&client.conn, &op); op.kind == OP_LOAD; conn_next(&client.conn, &op)) {
        loads++;
        if (drive_load(&drive, &client, op.load))
            continue;
        load_work(op.load); /* as a loader would, where something isn't at hand */
        load_done(op.load);
    }
    drive_forget_load(&client);
    assert_int_equal(op.kind, OP_SEND);
    assert_true(loads > 0);
    memcpy(line, op.send.iov->iov_base, sizeof line - 1);
    line[strcspn(line, "\r")] = '\0';
    conn_close(&client.conn);
    return line;
}

static void test_load_deadline(void **state) {
    (void)state;
    assert_string_equal(answer_after(0), "HTTP/1.1 200 OK");
    assert_string_equal(answer_after(LOAD_MS - 1), "HTTP/1.1 200 OK");
    assert_string_equal(answer_after(LOAD_MS), "HTTP/1.1 503 Service Unavailabl");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_deadline),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
