#include "engine.h"
#include "base/httpdate.h"
#include "engine/exchanges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SLOT_COUNT = 2,         /* of each pool: one connection needs no more than one */
    OPS_MOST = 1024 * 1024, /* a connection that wants more wants forever */
    LOADS_AT_ONCE = 1024,   /* and so does one that wants more loads than this for what it was fed */
};

static void make_file(struct fixture *root, const char *name, size_t len) {
    char *content = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        content[i] = (char)('a' + (i * 7 + i / 251) % 26);
    fixture_file(root, name, content, len);
    free(content);
}

static void make_root(struct fixture *root) {
    fixture_open(root);
    make_file(root, "small", SMALL_LEN);
    make_file(root, "empty", 0);
    make_file(root, "kilo", KILO_LEN);
    make_file(root, "medium", MEDIUM_LEN);
    make_file(root, "large", LARGE_LEN);
    fixture_text(root, "folder/index.html", "the index of a folder\n");
    fixture_mtime_all(root, 1600000000);
}

static size_t watch_begun(void *ctx, const struct conn *conn, const struct exchange *exchange,
                          const struct asked *asked, char *kept) {
    struct engine *engine = ctx;
    assert_ptr_equal(conn, &engine->conn);
    assert_in_range(exchange->status, 200, 505);
    assert_true(exchange->head_len <= exchange->len);
    assert_int_equal(exchange->method, asked->request->method);
    engine->asked_from = asked->from ? *asked->from : (struct address){.kind = ADDRESS_NONE};
    assert_true(exchange->began_ns <= engine->env.clock.now_ns);
    assert_true(asked->whole ? asked->request->line.len > 0 : asked->raw.len > 0);
    memcpy(kept, &engine->begun, sizeof engine->begun);
    engine->begun++;
    return sizeof engine->begun;
}

static void watch_moved(void *ctx, size_t received, size_t sent) {
    struct engine *engine = ctx;
    assert_true((received > 0) != (sent > 0));
    engine->moved += sent;
}

static void watch_ended(void *ctx, const struct conn *conn, const struct exchange *exchange, const char *kept,
                        size_t kept_len) {
    struct engine *engine = ctx;
    unsigned number;
    (void)conn;
    assert_int_equal(kept_len, sizeof number);
    memcpy(&number, kept, sizeof number);
    assert_int_equal(number, engine->ended); /* in order */
    assert_true(exchange->sent <= exchange->len);
    engine->watched += exchange->sent;
    engine->told[engine->ended++ % (sizeof engine->told / sizeof engine->told[0])] = *exchange;
}

static void watch_closed(void *ctx, const struct conn *conn) {
    struct engine *engine = ctx;
    engine->closed++;
    assert_int_equal(engine->ended, engine->begun);
    assert_int_equal(engine->moved, engine->carried);
    assert_int_equal(engine->watched, engine->carried); /* not a byte but some exchange's */
    assert_in_range(conn->end, END_OPEN + 1, END_COUNT - 1);
    assert_true(strlen(conn_end_name(conn->end)) > 0);
}

static void set_clock(struct clock *clock) {
    *clock = (struct clock){.now_ms = 1000 * 1000, .now_ns = 1000 * 1000 * (uint64_t)1000000, .seconds = 1700000000};
    memcpy(clock->date, "Date: ", 6);
    httpdate_format(clock->seconds, clock->date + 6);
    memcpy(clock->date + 6 + HTTPDATE_LEN, "\r\n", 2);
}

void engine_open(struct engine *engine) {
    int error;
    memset(engine, 0, sizeof *engine);
    make_root(&engine->root);
    engine->config = (struct site_config){.root = engine->root.path,
                                          .index = {"index.html"},
                                          .index_count = 1,
                                          .cache_control = "no-cache",
                                          .fields = SLICE("")};
    engine->site.config = &engine->config;
    engine->known = known_open();
    assert_non_null(engine->known);
    engine->site.cache = filecache_open(&engine->config, engine->known, SLOT_COUNT, &error);
    assert_non_null(engine->site.cache);
    engine->env.site = &engine->site;
    engine->env.limits = &engine->limits;
    engine->env.crowded = &engine->crowded;
    set_clock(&engine->env.clock);
    assert_true(pool_open(&engine->env.in_short, CONN_SHORT_LEN, SLOT_COUNT));
    assert_true(pool_open(&engine->env.in, CONN_IN_LEN(HEAD_MAX), SLOT_COUNT));
    assert_true(pool_open(&engine->env.out, sizeof(struct outq), SLOT_COUNT));
    engine->watch = (struct watch){.begun = watch_begun,
                                   .moved = watch_moved,
                                   .ended = watch_ended,
                                   .closed = watch_closed,
                                   .ctx = engine,
                                   .keep_max = sizeof engine->begun};
    engine->env.watch = &engine->watch;
    assert_true(pool_open(&engine->env.exchanges, EXCHANGES_LEN(engine->watch.keep_max), SLOT_COUNT));
}

void engine_close(struct engine *engine) {
    pool_close(&engine->env.in_short);
    pool_close(&engine->env.in);
    pool_close(&engine->env.out);
    pool_close(&engine->env.exchanges);
    filecache_close(engine->site.cache);
    known_close(engine->known);
    fixture_close(&engine->root);
    bytes_free(&engine->sent);
}

void engine_connect(struct engine *engine) {
    engine->limits = (struct limits){
        .header_timeout_ms = HEADER_MS, .idle_timeout_ms = IDLE_MS, .send_timeout_ms = SEND_MS, .head_max = HEAD_MAX};
    atomic_store(&engine->crowded, false);
    engine->env.draining = false;
    engine->sent.len = 0;
    engine->begun = engine->ended = engine->closed = 0;
    engine->watched = engine->moved = engine->carried = 0;
    conn_open(&engine->conn, &engine->env, engine->env.trust ? &engine->from : NULL);
}

static void assert_all_back(struct pool *pool) {
    void *slots[SLOT_COUNT];
    for (int i = 0; i < SLOT_COUNT; i++) {
        slots[i] = pool_take(pool);
        assert_non_null(slots[i]);
        assert_true(i == 0 || slots[i] != slots[i - 1]); /* given back once */
    }
    for (int i = 0; i < SLOT_COUNT; i++)
        pool_drop(pool, slots[i]);
}

void engine_hang_up(struct engine *engine) {
    const struct filecache *cache = engine->site.cache;
    conn_close(&engine->conn);
    assert_int_equal(engine->closed, 1);
    assert_all_back(&engine->env.in_short);
    assert_all_back(&engine->env.in);
    assert_all_back(&engine->env.out);
    assert_all_back(&engine->env.exchanges);
    for (unsigned i = 0; i < cache->touched; i++)
        assert_int_equal(cache->files[i].refs, cache->files[i].cached);
}

static void assert_same_op(const struct conn_op *a, const struct conn_op *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->recv_max, b->recv_max);
    assert_ptr_equal(a->load, b->load);
    assert_ptr_equal(a->send.iov, b->send.iov);
    assert_int_equal(a->send.iov_count, b->send.iov_count);
    assert_int_equal(a->send.more, b->send.more);
    assert_ptr_equal(a->send.source, b->send.source);
    assert_int_equal(a->send.first, b->send.first);
    assert_int_equal(a->send.len, b->send.len);
}

enum conn_op_kind engine_wants(struct engine *engine) {
    struct conn_op again;
    memset(&engine->op, 0, sizeof engine->op);
    memset(&again, 0, sizeof again);
    conn_next(&engine->conn, &engine->op);
    conn_next(&engine->conn, &again);
    assert_same_op(&engine->op, &again);
    return engine->op.kind;
}

void engine_pass(struct engine *engine, uint64_t ms) {
    engine->env.clock.now_ms += ms;
    engine->env.clock.now_ns += ms * 1000000;
}

static void load_once(struct engine *engine) {
    struct load *load = load_get(engine->op.load);
    if (load->state == LOAD_NEW) {
        load_work(load);
        load_done(load);
    }
    conn_done(&engine->conn, 0);
    load_put(load);
}

enum conn_op_kind engine_load_all(struct engine *engine) {
    for (int loads = 0; engine_wants(engine) == OP_LOAD; loads++) {
        assert_true(loads < LOADS_AT_ONCE);
        load_once(engine);
    }
    return engine->op.kind;
}

static void feed(struct engine *engine, const char *at, size_t len) {
    assert_int_equal(engine_wants(engine), OP_RECV);
    assert_in_range(len, 1, engine->op.recv_max);
    char *piece = malloc(len);
    memcpy(piece, at, len);
    conn_feed(&engine->conn, piece, len);
    memset(piece, '#', len);
    free(piece);
}

void engine_feed(struct engine *engine, const char *at, size_t len) {
    feed(engine, at, len);
    engine_load_all(engine);
}

void engine_feed_text(struct engine *engine, const char *text) {
    engine_feed(engine, text, strlen(text));
}

static ssize_t send_memory(struct engine *engine, size_t most) {
    const struct outq_send *send = &engine->op.send;
    size_t left = most;
    for (unsigned i = 0; i < send->iov_count && left > 0; i++) {
        size_t len = send->iov[i].iov_len < left ? send->iov[i].iov_len : left;
        assert_true(send->iov[i].iov_len > 0);
        bytes_add(&engine->sent, send->iov[i].iov_base, len);
        left -= len;
    }
    return (ssize_t)(most - left);
}

static ssize_t send_file(struct engine *engine, size_t most) {
    const struct outq_send *send = &engine->op.send;
    size_t len = send->len < most ? send->len : most;
    assert_true(send->len > 0);
    ssize_t n = pread(send->source->fd, bytes_room(&engine->sent, len), len, (off_t)send->first);
    assert_true(n >= 0);
    bytes_grew(&engine->sent, (size_t)n);
    return n;
}

static bool send_once(struct engine *engine, size_t most) {
    enum conn_op_kind kind = engine_wants(engine);
    assert_true(kind == OP_SEND || kind == OP_SENDFILE);
    ssize_t n = kind == OP_SEND ? send_memory(engine, most) : send_file(engine, most);
    engine->carried += (size_t)n;
    conn_done(&engine->conn, n);
    return n > 0;
}

bool engine_send(struct engine *engine, size_t most) {
    bool sent = send_once(engine, most);
    engine_load_all(engine);
    return sent;
}

enum conn_op_kind engine_send_all(struct engine *engine) {
    enum conn_op_kind kind;
    while ((kind = engine_wants(engine)) == OP_SEND || kind == OP_SENDFILE)
        engine_send(engine, SIZE_MAX);
    return kind;
}

/* How much of the input comes next. */
static size_t next_piece(const struct carriage *carriage, size_t fed, size_t len) {
    size_t end = len;
    for (int i = 1; i >= 0; i--)
        if (carriage->cut[i] > fed && carriage->cut[i] < end)
            end = carriage->cut[i];
    return carriage->recv_most && carriage->recv_most < end - fed ? carriage->recv_most : end - fed;
}

/* Fails the op that is wanted. */
static void fail_op(struct engine *engine, ssize_t result, struct outcome *outcome) {
    outcome->idle = conn_idle(&engine->conn);
    outcome->failed = engine->op.kind;
    outcome->lingered = outcome->fin_count > 0;
    outcome->fin_count += engine->op.kind == OP_FIN && result == 0;
    conn_done(&engine->conn, result);
}

struct outcome engine_carry(struct engine *engine, const char *input, size_t len, const struct carriage *carriage) {
    struct outcome outcome = {.ending = CLOSES};
    size_t fed = 0, send_most = carriage->send_most ? carriage->send_most : SIZE_MAX;
    bool fails = carriage->fail_with <= 0, failed = false;
    engine_pass(engine, FILECACHE_TRUST_MS); /* what was known has to be looked at again */
    engine_connect(engine);
    for (;;) {
        enum conn_op_kind kind = engine_wants(engine);
        int index = outcome.op_count++;
        outcome.after_count += failed;
        assert_true(index < OPS_MOST);
        if (kind == OP_CLOSE)
            break;
        if (fails && index == carriage->fail_at) {
            fail_op(engine, carriage->fail_with, &outcome);
            failed = true;
        } else if (kind == OP_LOAD) {
            load_once(engine);
        } else if (kind == OP_SEND || kind == OP_SENDFILE) {
            assert_true(send_once(engine, failed ? SIZE_MAX : send_most));
        } else if (kind == OP_FIN) {
            outcome.fin_count++;
            conn_done(&engine->conn, 0);
        } else if (failed) {
            conn_done(&engine->conn, 0);
        } else if (fed == len) {
            outcome.ending = outcome.fin_count ? LINGERS : WAITS;
            break;
        } else {
            size_t piece = next_piece(carriage, fed, len);
            piece = piece < engine->op.recv_max ? piece : engine->op.recv_max;
            feed(engine, input + fed, piece);
            fed += piece;
        }
    }
    engine_hang_up(engine);
    return outcome;
}

void engine_statuses(const struct bytes *sent, char *out, size_t out_len) {
    static const char version[] = "HTTP/1.1 ";
    const char *at = sent->at, *end = sent->at + sent->len;
    size_t used = 0;
    out[0] = '\0';
    while (at < end && (at = memmem(at, (size_t)(end - at), version, sizeof version - 1))) {
        at += sizeof version - 1;
        assert_true(used + 5 < out_len && end - at >= 3);
        used += (size_t)sprintf(out + used, "%.3s ", at);
    }
}
