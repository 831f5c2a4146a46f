/* The connection engine with a real site. An input is two numbers (which site and limits; how many control bytes), two
   more where the first says so (who is in front, who watches, how slowly it is read; how often its first two requests
   are said), the control bytes, and what the client sends. It is run three times: unsplit, and unwatched, so that as
   many replies gather as the output queue holds; with the splits and short sends that the control bytes choose; and
   with their failures, timeouts, drains and clock too.

   Which replies are due, the reference reader says: so many requests there are, these are bodies and no requests. The
   replies are read strictly, and the content of files compared with the files. Whatever the splits, the bytes are the
   same; whatever else happens, the replies that did arrive are those. Nothing is kept of a connection that is gone.

   A reply's own bounds are looked for where there is the least room for it: so that small inputs fill the queue, to any
   degree, their requests are repeated, and some sites have heads as long as they may be. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "base/httpdate.h"
#include "engine/conn.h"
#include "engine/exchanges.h"
#include "engine_input.h"
#include "engine_judge.h"
#include "engine_site.h"
#include "engine_watch.h"
#include "fuzz.h"
#include "reply_reader.h"
#include "site/reply.h"
#include "site/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OUT_MAX = 3 << 20,
    OUT_ENOUGH = 1 << 20, /* the peer leaves */
    IDLE_MS = 60000,
    OTHER_IDLE_MS = 90000,
    CACHE_ENOUGH = 1000, /* files a cache knows before it is opened anew */
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__asan_default_options(void);

/* Buffers come from the heap here: a large quarantine would only cost caches, and what is kept in a cache lies where
   the leak sanitizer does not look. What is lent is counted instead. */
const char *__asan_default_options(void) {
    return "quarantine_size_mb=16:malloc_context_size=4:detect_leaks=0";
}

struct run {
    struct slice stream;
    struct slice control;
    bool mishaps;     /* control bytes may mean more than sizes */
    size_t send_most; /* taken at once, where control bytes say nothing */
    bool watched;
    struct slice proxy_header; /* comes before the stream */
    struct trouble trouble;
    char *out;
    size_t out_len;
};

static struct engine_site engine_site;
static struct site sites[SITE_COUNT];
static struct known *known;
static struct conn_env env;
static struct limits limits;
static atomic_bool crowded, leaving;
static struct peer_trust trust;
static uint64_t counted_for; /* what the connection counts for */
static struct engine_watch watcher;
static size_t keep_max;
static struct room room;
static char *whole, *split, *troubled; /* what the three runs sent */

static void clock_set(uint64_t now_ms) {
    env.clock.now_ms = now_ms;
    env.clock.now_ns = now_ms * 1000000;
    env.clock.seconds = 1800000000 + (int64_t)(now_ms / 1000);
    memcpy(env.clock.date, "Date: ", 6);
    httpdate_format(env.clock.seconds, env.clock.date + 6);
    memcpy(env.clock.date + 6 + HTTPDATE_LEN, "\r\n", 2);
}

static struct filecache *cache_open(int which) {
    int error;
    struct filecache *cache = filecache_open(&engine_site.configs[which], known, 1, &error);
    CHECK(cache);
    return cache;
}

/* Every reference but the cache's own has been given back. */
static void check_files(int which) {
    struct filecache *cache = sites[which].cache;
    for (unsigned i = 0; i < cache->touched; i++)
        CHECK(cache->files[i].refs == (cache->files[i].refs && cache->files[i].cached));
    if (cache->touched < CACHE_ENOUGH)
        return;
    filecache_close(cache);
    sites[which].cache = cache_open(which);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool limited; /* by --max-per-ip: of some addresses there are too many already */
static bool count(struct conn *conn, uint64_t key) {
    (void)conn;
    bool may = !limited || (key >> 56 & 3) != 3; /* of IPv4 the last byte */
    counted_for = may ? key : 0;
    return may;
}

/* At most `most` bytes of what is to be sent. */
static size_t take_output(struct run *run, const struct conn_op *op, size_t most) {
    const struct outq_send *send = &op->send;
    size_t done = 0;
    if (op->kind == OP_SENDFILE) {
        CHECK(send->len > 0 && send->source && send->source->fd >= 0);
        done = least(send->len, most);
        CHECK(pread(send->source->fd, run->out + run->out_len, done, (off_t)send->first) == (ssize_t)done);
    }
    for (unsigned i = 0; op->kind == OP_SEND && i < send->iov_count && done < most; i++) {
        size_t len = least(send->iov[i].iov_len, most - done);
        CHECK(send->iov[i].iov_len > 0);
        memcpy(run->out + run->out_len + done, send->iov[i].iov_base, len);
        done += len;
    }
    run->out_len += done;
    return done;
}

/* Another site from now on, whom to trust and whether there is a limit turned over, and other limits: as it is by a
 * reload. */
static void reload(struct conn *conn) {
    const unsigned idle_before = limits.idle_timeout_ms;
    int which = (int)(env.site - sites);
    env.site = &sites[(which + 1) % SITE_COUNT];
    limited = !limited;
    trust.in_front.count = !trust.in_front.count;
    limits.idle_timeout_ms = IDLE_MS + OTHER_IDLE_MS - idle_before;
    conn_renew(conn, idle_before);
}

static void reload_back(struct site *site, bool was_limited) {
    env.site = site;
    limited = was_limited;
    trust.in_front.count = 1;
    limits.idle_timeout_ms = IDLE_MS;
}

/* Control bytes from 0xf0 on are mishaps: they answer the op, or happen before it is. */
static void mishap(struct run *run, struct conn *conn, const struct conn_op *op, unsigned what) {
    static const ssize_t results[] = {-ECONNRESET, 0, -ETIMEDOUT, -EPIPE, -EIO};
    switch (what) {
    case 0xf5:
        conn_drain(conn);
        run->trouble.closing = true;
        return;
    case 0xf6:
        atomic_store(&crowded, !atomic_load(&crowded));
        run->trouble.closing = true;
        return;
    case 0xf7:
        env.draining = run->trouble.closing = true;
        return;
    case 0xf8: /* nothing has come yet */
        if (op->kind == OP_RECV)
            conn_done(conn, -EAGAIN);
        return;
    case 0xf9:
        reload(conn);
        run->trouble.reloaded = true;
        return;
    default:
        break;
    }
    if (what > 0xf9) {
        clock_set(env.clock.now_ms + (UINT64_C(1) << 2 * (what - 0xf8)));
        return;
    }
    if (results[what - 0xf0] == 0 && op->kind == OP_LOAD) /* which would say that it is done */
        return;
    if (results[what - 0xf0] == -ETIMEDOUT) {
        run->trouble.timed_out = true;
        if (env.clock.now_ms < conn_deadline(conn))
            clock_set(conn_deadline(conn));
    }
    run->trouble.cut |= op->kind != OP_FIN || results[what - 0xf0] != 0;
    conn_done(conn, results[what - 0xf0]);
}

static void check_held(const struct conn *conn, bool reloaded) {
    CHECK(env.in_short.touched + env.in.touched == (conn->in != NULL) && env.out.touched == (conn->out != NULL));
    CHECK((conn->in != NULL) == (conn->in_len > 0));
    CHECK(conn->state != CONN_LOADING || (conn->load && conn->held && !conn->out));
    CHECK(!conn->out || !outq_empty(conn->out));
    CHECK(!conn_idle(conn) || (!conn->in && !conn->out));
    CHECK(reloaded || !conn_idle(conn) || !conn->trusted || counted_for == 0);
    CHECK(env.exchanges.touched == (conn->exchanges != NULL) && (!conn->exchanges || (env.watch && conn->out)));
    CHECK(conn_deadline(conn) <= env.clock.now_ms + 100000);
}

/* Nobody else does, so it is new, or has been done and must be asked for again. */
static void do_load(struct conn *conn, struct load *load) {
    load_get(load);
    if (load->state == LOAD_NEW) {
        load_work(load);
        load_done(load);
    }
    conn_done(conn, 0);
    load_put(load);
}

/* The next bytes of the PROXY header, or else of the stream. */
static size_t take_input(const struct run *run, size_t fed, size_t most, const char **at) {
    bool proxied = fed < run->proxy_header.len;
    struct slice rest =
        proxied ? slice_from(run->proxy_header, fed) : slice_from(run->stream, fed - run->proxy_header.len);
    size_t len = least(most, rest.len);
    *at = room_put(&room, fed, rest.at, len);
    return len;
}

static void drive_conn(struct run *run) {
    struct conn conn;
    struct conn_op op, again;
    struct address from = address_ip((const char[]){10, 1, 1, 1}, 4, 1);
    size_t fed = 0, control = 0, ops_left = run->control.len + 64 * (run->stream.len + 16) + OUT_MAX / 1000;
    if (run->watched)
        engine_watch_open(&watcher, keep_max);
    env.watch = run->watched ? &watcher.watch : NULL;
    counted_for = 0;
    conn_open(&conn, &env, env.trust ? &from : NULL);
    for (;;) {
        CHECK(ops_left-- > 0);
        memset(&op, 0xa5, sizeof op);
        conn_next(&conn, &op);
        conn_next(&conn, &again);
        CHECK(op.kind == again.kind && (op.kind != OP_RECV || op.recv_max == again.recv_max));
        check_held(&conn, run->trouble.reloaded);
        if (op.kind == OP_CLOSE)
            break;
        size_t most = op.kind == OP_RECV ? SIZE_MAX : run->send_most;
        if (control < run->control.len) {
            unsigned c = (unsigned char)run->control.at[control++];
            if (c < 0xf0)
                most = ((c & 15) + 1) << (c >> 4);
            else if (run->mishaps) {
                mishap(run, &conn, &op, c);
                continue;
            }
        }
        if (op.kind == OP_FIN) {
            conn_done(&conn, 0);
        } else if (op.kind == OP_LOAD) {
            do_load(&conn, op.load);
        } else if (op.kind == OP_RECV) {
            CHECK(op.recv_max > 0 && op.recv_max <= limits.head_max);
            const char *at;
            size_t len = take_input(run, fed, least(op.recv_max, most), &at);
            if (len == 0) {
                conn_done(&conn, 0);
                continue;
            }
            conn_feed(&conn, at, len);
            room_shut(&room); /* they are ours again: whoever looks at them now is reported */
            fed += len;
        } else if (run->out_len > OUT_ENOUGH) {
            run->trouble.cut = true;
            conn_done(&conn, -ECONNRESET);
        } else {
            conn_done(&conn, (ssize_t)take_output(run, &op, most));
        }
    }
    conn_close(&conn);
    if (run->watched)
        engine_watch_check(&watcher, fed, run->out_len);
    CHECK(env.exchanges.touched == 0);
    CHECK(env.in_short.touched == 0 && env.in.touched == 0 && env.out.touched == 0);
    atomic_store(&crowded, false);
    env.draining = false;
}

static void run_all(int which, const struct run *how) {
    static struct due due[REPLIES_MAX];
    static struct reply replies[REPLIES_MAX], others[REPLIES_MAX];
    struct run run = {.stream = how->stream, .proxy_header = how->proxy_header, .send_most = SIZE_MAX, .out = whole};
    const struct engine_judge judge = {&engine_site, which, &limits, atomic_load(&leaving), limited && env.trust};
    int due_count = engine_judge_due(&judge, how->stream, due);
    uint64_t now_ms = env.clock.now_ms;
    env.site = &sites[which];
    drive_conn(&run);
    int count =
        engine_judge_replies(&judge, (struct slice){run.out, run.out_len}, &run.trouble, due, due_count, replies);

    struct run parts = *how;
    parts.out = split;
    drive_conn(&parts);
    if (!run.trouble.cut && !parts.trouble.cut)
        CHECK(parts.out_len == run.out_len && memcmp(parts.out, run.out, run.out_len) == 0);

    struct run worst = *how;
    worst.mishaps = true;
    worst.out = troubled;
    drive_conn(&worst);
    reload_back(&sites[which], judge.limited);
    struct slice sent = {worst.out, worst.out_len};
    int other_count = engine_judge_replies(&judge, sent, &worst.trouble, due, due_count, others);
    CHECK(other_count <= count || run.trouble.cut || worst.trouble.reloaded);
    for (int i = 0; i < other_count && i < count && !worst.trouble.reloaded; i++)
        CHECK(reply_same(&others[i], &replies[i]));
    if (env.clock.now_ms != now_ms)
        clock_set(env.clock.now_ms + 1000 - env.clock.now_ms % 1000);
    check_files(which);
    for (int i = 0; worst.trouble.reloaded && i < SITE_COUNT; i++)
        check_files(i);
}

/* Asks for each file by name where everything may be had, and learns its tag. */
static void learn(struct site_file *file) {
    char request[1024];
    struct run run = {.stream = engine_site_ask(file, request, sizeof request), .send_most = SIZE_MAX, .out = whole};
    struct reply reply;
    struct slice etag;
    size_t used;
    drive_conn(&run);
    CHECK(reply_read((struct slice){run.out, run.out_len}, false, &reply, &used) == REPLY_WHOLE);
    CHECK(reply.status == 200 && reply_field(&reply, "ETag", &etag) && etag.len < sizeof file->etag);
    CHECK(slice_equal(reply.body, (struct slice){file->content, file->len}));
    memcpy(file->etag, etag.at, etag.len);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    engine_site_make(&engine_site);
    whole = malloc(OUT_MAX);
    split = malloc(OUT_MAX);
    troubled = malloc(OUT_MAX);
    CHECK(whole && split && troubled);
    room_clear(&room);
    limits = (struct limits){
        .header_timeout_ms = 10000, .idle_timeout_ms = IDLE_MS, .send_timeout_ms = 30000, .head_max = HEAD_MAX_DEFAULT};
    env = (struct conn_env){.limits = &limits, .count = count, .crowded = &crowded};
    CHECK(pool_open(&env.out, sizeof(struct outq), 1));
    CHECK(pool_open(&env.in_short, CONN_SHORT_LEN, 1));
    CHECK(pool_open(&env.in, CONN_IN_LEN(limits.head_max), 1));
    CHECK(pool_open(&env.exchanges, EXCHANGES_LEN(0), 1));
    CHECK(network_parse(SLICE("10.0.0.0/8"), &trust.in_front.networks[0]));
    trust.in_front.count = 1;
    clock_set(1000000);
    known = known_open();
    CHECK(known);
    struct site_config open = engine_site.configs[0];
    open.dotfiles = true;
    int error;
    struct site all = {.config = &open, .cache = filecache_open(&open, known, 1, &error)};
    CHECK(all.cache);
    env.site = &all;
    for (int i = 0; i < engine_site.file_count; i++)
        learn(&engine_site.files[i]);
    filecache_close(all.cache);
    for (int i = 0; i < SITE_COUNT; i++)
        sites[i] = (struct site){.config = &engine_site.configs[i],
                                 .cache = cache_open(i),
                                 .made = engine_site.made[i],
                                 .leaving = &leaving};
    return 0;
}

static void set_limits(unsigned flags) {
    static const unsigned head_maxes[] = {HEAD_MAX_DEFAULT, HEAD_MAX_LEAST, 1024, HEAD_MAX_DEFAULT};
    limits.head_max = head_maxes[flags >> 2 & 3];
    limits.max_requests = flags & 16 ? 2 : 0;
    limits.min_rate = flags & 32 ? 1000 : 0;
    env.in.slot_size = CONN_IN_LEN(limits.head_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t send_mosts[] = {SIZE_MAX, 8192, 4000, 1500}, keep_maxes[] = {0, 0, 100, 4000};
    static char stream[INPUT_STREAM_MAX + 1];
    const struct engine_input input = engine_input_read(data, size);
    const unsigned more = input.more;
    if (input.stream.len > INPUT_STREAM_MAX)
        return 0;
    struct run how = {.control = input.control,
                      .stream = engine_input_stream(&input, stream),
                      .proxy_header = engine_input_proxy_header(&input),
                      .send_most = send_mosts[more >> 4 & 3],
                      .watched = more >> 2 & 3};
    set_limits(input.flags);
    env.trust = more & 3 ? &trust : NULL;
    trust.proxy_protocol = how.proxy_header.len > 0;
    trust.field = more & 64 ? FORWARDED_FORWARDED : FORWARDED_X_FORWARDED_FOR;
    limited = !(more & 64);
    atomic_store(&leaving, more & 64);
    keep_max = keep_maxes[more >> 2 & 3];
    env.exchanges.slot_size = EXCHANGES_LEN(keep_max);
    run_all((input.flags & 3) + (input.flags & 64 ? 4 : 0), &how);
    return 0;
}
