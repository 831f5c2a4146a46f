/* The connection engine with a real site. An input is two numbers (which site and limits; how many control bytes), the
   control bytes, and what the client sends. It is run three times: unsplit; with the splits and short sends that the
   control bytes choose; and with their failures, timeouts, drains and clock too.

   Which replies are due, the reference reader says: so many requests there are, these are bodies and no requests. The
   replies are read strictly, and the content of files compared with the files. Whatever the splits, the bytes are the
   same; whatever else happens, the replies that did arrive are those. Nothing is kept of a connection that is gone. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "base/httpdate.h"
#include "engine/conn.h"
#include "engine_site.h"
#include "fuzz.h"
#include "reference.h"
#include "reply_reader.h"
#include "site/reply.h"
#include "site/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OUT_MAX = 16 << 20,
    OUT_ENOUGH = 12 << 20, /* the peer leaves */
    REPLIES_MAX = 512,
    STREAM_MAX = 16 * 1024,
    CACHE_ENOUGH = 1000, /* files a cache knows before it is opened anew */
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
const char *__asan_default_options(void);

/* Buffers come from the heap here: a large quarantine would only cost caches, and what is kept in a cache lies where
   the leak sanitizer does not look. What is lent is counted instead. */
const char *__asan_default_options(void) {
    return "quarantine_size_mb=16:malloc_context_size=4:detect_leaks=0";
}

/* Whether something happened in a run after which replies may be fewer, or say close. */
struct trouble {
    bool cut, timed_out, closing;
};

struct run {
    struct slice stream;
    struct slice control;
    bool mishaps; /* control bytes may mean more than sizes */
    struct trouble trouble;
    char *out;
    size_t out_len;
};

/* One reply that is due. */
struct due {
    int status; /* 0: whatever the site says */
    bool head, stop;
    enum request_method method;
};

static struct engine_site engine_site;
static struct site sites[SITE_COUNT];
static struct conn_env env;
static struct limits limits;
static atomic_bool crowded;
static struct room room;
static char *whole, *split, *troubled; /* what the three runs sent */

static void clock_set(uint64_t now_ms) {
    env.clock.now_ms = now_ms;
    env.clock.seconds = 1800000000 + (int64_t)(now_ms / 1000);
    memcpy(env.clock.date, "Date: ", 6);
    httpdate_format(env.clock.seconds, env.clock.date + 6);
    memcpy(env.clock.date + 6 + HTTPDATE_LEN, "\r\n", 2);
}

static struct known *known;

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
    case 0xfa:
    case 0xfb:
    case 0xfc:
    case 0xfd:
    case 0xfe:
    case 0xff:
        clock_set(env.clock.now_ms + (UINT64_C(1) << 2 * (what - 0xf8)));
        return;
    default:
        break;
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

static void check_held(const struct conn *conn) {
    CHECK(env.in_short.touched + env.in.touched == (conn->in != NULL) && env.out.touched == (conn->out != NULL));
    CHECK((conn->in != NULL) == (conn->in_len > 0));
    CHECK(conn->state != CONN_LOADING || (conn->load && conn->held && !conn->out));
    CHECK(!conn->out || !outq_empty(conn->out));
    CHECK(!conn_idle(conn) || (!conn->in && !conn->out));
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

static void drive_conn(struct run *run) {
    struct conn conn;
    struct conn_op op, again;
    size_t fed = 0, control = 0, ops_left = run->control.len + 64 * (run->stream.len + 16);
    conn_open(&conn, &env, NULL);
    for (;;) {
        CHECK(ops_left-- > 0);
        memset(&op, 0xa5, sizeof op);
        conn_next(&conn, &op);
        conn_next(&conn, &again);
        CHECK(op.kind == again.kind && (op.kind != OP_RECV || op.recv_max == again.recv_max));
        check_held(&conn);
        if (op.kind == OP_CLOSE)
            break;
        size_t most = SIZE_MAX;
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
            size_t len = least(least(op.recv_max, most), run->stream.len - fed);
            if (len == 0) {
                conn_done(&conn, 0);
                continue;
            }
            conn_feed(&conn, room_put(&room, fed, run->stream.at + fed, len), len);
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
    CHECK(env.in_short.touched == 0 && env.in.touched == 0 && env.out.touched == 0);
    atomic_store(&crowded, false);
    env.draining = false;
}

/* What a stream of requests is to be answered with, as far as it is whole. */
static int find_due(struct slice stream, struct due *due) {
    int count = 0;
    size_t at = 0;
    bool stop = false;
    while (at < stream.len && !stop && count < REPLIES_MAX) {
        struct reference head;
        struct reference_body body = {0, 0};
        reference_head(stream.at + at, stream.len - at, limits.head_max, &head);
        if (head.status == REQUEST_INCOMPLETE)
            break;
        if (head.status == 0 && head.body != BODY_NONE) {
            if (head.expect_continue || (head.body == BODY_LENGTH && head.body_len > BODY_DISCARD_MAX))
                body.status = 413;
            else
                body = reference_body(head.body, head.body_len, stream.at + at + head.used, stream.len - at - head.used,
                                      0);
            if (body.status == REQUEST_INCOMPLETE)
                break;
        }
        stop = head.status || body.status || !head.keep_alive ||
               (limits.max_requests && (unsigned)count + 1 >= limits.max_requests);
        due[count++] = (struct due){head.status          ? head.status
                                    : body.status == 400 ? 400
                                                         : 0,
                                    head.method == METHOD_HEAD, stop, head.method};
        at += head.used + body.used;
    }
    return count;
}

static bool one_of(int status, const int *list) {
    while (*list && *list != status)
        list++;
    return *list != 0;
}

static const struct site_file *file_tagged(struct slice etag) {
    for (int i = 0; i < engine_site.file_count; i++)
        if (slice_equal(etag, slice_of(engine_site.files[i].etag)))
            return &engine_site.files[i];
    return NULL;
}

/* "bytes FIRST-LAST/SIZE" at the start of `text`, and that these are the file's bytes at `content`. */
static size_t check_part(const struct site_file *file, const char *text, const char *content, size_t content_len) {
    unsigned long long first, last, size;
    CHECK(sscanf(text, "bytes %llu-%llu/%llu", &first, &last, &size) == 3);
    CHECK(size == file->len && first <= last && last < size && last - first < content_len);
    CHECK(memcmp(content, file->content + first, last - first + 1) == 0);
    return last - first + 1;
}

static void check_multipart(const struct site_file *file, struct slice type, struct slice body) {
    static const char name[] = "Content-Range: ";
    const char *boundary = memmem(type.at, type.len, "boundary=", 9);
    CHECK(boundary);
    struct slice mark = slice_from(type, (size_t)(boundary + 9 - type.at)), rest = body;
    for (int parts = 0;; parts++) {
        CHECK(rest.len >= mark.len + 8 && memcmp(rest.at, "\r\n--", 4) == 0);
        CHECK(memcmp(rest.at + 4, mark.at, mark.len) == 0);
        rest = slice_from(rest, 4 + mark.len);
        if (rest.len == 4) {
            CHECK(memcmp(rest.at, "--\r\n", 4) == 0 && parts >= 2 && parts <= RANGE_COUNT_MAX);
            return;
        }
        const char *range = memmem(rest.at, rest.len, name, sizeof name - 1);
        const char *end = memmem(rest.at, rest.len, "\r\n\r\n", 4);
        CHECK(memcmp(rest.at, "\r\nContent-Type: ", 16) == 0 && range && end && range < end);
        rest = slice_from(rest, (size_t)(end + 4 - rest.at));
        rest = slice_from(rest, check_part(file, range + sizeof name - 1, rest.at, rest.len));
    }
}

static void check_content(const struct reply *reply, bool to_head) {
    struct slice etag, value, type;
    if ((reply->status != 200 && reply->status != 206) || !reply_field(reply, "ETag", &etag))
        return;
    CHECK(reply_field(reply, "Content-Type", &type));
    const struct site_file *file = file_tagged(etag);
    if (!file) /* a listing */
        return;
    if (reply->status == 200) {
        CHECK(reply->content_len == file->len);
        CHECK(to_head || memcmp(reply->body.at, file->content, file->len) == 0);
    } else if (reply_field(reply, "Content-Range", &value)) {
        CHECK(check_part(file, value.at, reply->body.at, reply->body.len) == reply->body.len);
    } else {
        check_multipart(file, type, reply->body);
    }
}

static void check_reply(const struct reply *reply, const struct due *due) {
    static const int possible[] = {200, 206, 301, 304, 400, 403, 404, 412, 414, 416, 0};
    if (due->status)
        CHECK(reply->status == due->status && reply->close);
    else if (due->method == METHOD_GET || due->method == METHOD_HEAD)
        CHECK(one_of(reply->status, possible) && (due->method == METHOD_GET || reply->status != 206));
    else
        CHECK(reply->status == (due->method == METHOD_OPTIONS ? 204 : due->method == METHOD_OTHER ? 405 : 501));
    check_content(reply, due->head);
}

/* Reads what a run sent. Returns the number of replies; `out` had better be theirs to the last byte. */
static int read_replies(const struct run *run, const struct due *due, int due_count, struct reply *replies) {
    struct slice rest = {run->out, run->out_len};
    int count = 0;
    bool closed = false;
    while (rest.len > 0) {
        size_t used;
        /* A request that never was whole, or what it asks for was never loaded. */
        bool unasked = run->trouble.timed_out && memcmp(rest.at, "HTTP/1.1 408", least(rest.len, 12)) == 0;
        bool late = unasked || (run->trouble.timed_out && memcmp(rest.at, "HTTP/1.1 503", least(rest.len, 12)) == 0);
        CHECK(!closed && (unasked || count < due_count));
        if (reply_read(rest, !unasked && due[count].head, &replies[count], &used) == REPLY_PARTIAL) {
            CHECK(run->trouble.cut || run->trouble.timed_out);
            return count;
        }
        rest = slice_from(rest, used);
        closed = replies[count].close;
        if (late) {
            CHECK(closed && rest.len == 0);
            return count;
        }
        check_reply(&replies[count], &due[count]);
        CHECK(closed || !due[count].stop);
        CHECK(!closed || due[count].stop || run->trouble.closing || replies[count].status == 400 ||
              replies[count].status == 414);
        count++;
    }
    CHECK(count == due_count || closed || run->trouble.cut || run->trouble.timed_out || run->trouble.closing);
    return count;
}

static void run_all(int which, struct slice control, struct slice stream) {
    static struct due due[REPLIES_MAX];
    static struct reply replies[REPLIES_MAX], others[REPLIES_MAX];
    struct run run = {.stream = stream, .out = whole};
    int due_count = find_due(stream, due);
    uint64_t now_ms = env.clock.now_ms;
    env.site = &sites[which];
    drive_conn(&run);
    int count = read_replies(&run, due, due_count, replies);

    struct run parts = {.stream = stream, .control = control, .out = split};
    drive_conn(&parts);
    if (!run.trouble.cut && !parts.trouble.cut)
        CHECK(parts.out_len == run.out_len && memcmp(parts.out, run.out, run.out_len) == 0);

    struct run worst = {.stream = stream, .control = control, .mishaps = true, .out = troubled};
    drive_conn(&worst);
    int other_count = read_replies(&worst, due, due_count, others);
    CHECK(other_count <= count || run.trouble.cut);
    for (int i = 0; i < other_count && i < count; i++)
        CHECK(reply_same(&others[i], &replies[i]));
    if (env.clock.now_ms != now_ms)
        clock_set(env.clock.now_ms + 1000 - env.clock.now_ms % 1000);
    check_files(which);
}

/* Asks for each file by name where everything may be had, and learns its tag. */
static void learn(struct site_file *file) {
    char request[1024];
    int len = sprintf(request, "GET /");
    for (const char *c = file->name; *c; c++)
        len += sprintf(request + len, *c == '/' ? "/" : "%%%02x", (unsigned char)*c);
    len += sprintf(request + len, "?x HTTP/1.0\r\n\r\n");
    struct run run = {.stream = {request, (size_t)len}, .out = whole};
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
        .header_timeout_ms = 10000, .idle_timeout_ms = 60000, .send_timeout_ms = 30000, .head_max = HEAD_MAX_DEFAULT};
    env = (struct conn_env){.limits = &limits, .crowded = &crowded};
    CHECK(pool_open(&env.out, sizeof(struct outq), 1));
    CHECK(pool_open(&env.in_short, CONN_SHORT_LEN, 1));
    CHECK(pool_open(&env.in, CONN_IN_LEN(limits.head_max), 1));
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
        sites[i] = (struct site){.config = &engine_site.configs[i], .cache = cache_open(i)};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned head_maxes[] = {HEAD_MAX_DEFAULT, HEAD_MAX_LEAST, 1024, HEAD_MAX_DEFAULT};
    static char stream[STREAM_MAX + 1];
    struct input input = {data, data + size};
    unsigned flags = input_byte(&input), control_len = input_byte(&input);
    struct slice rest = input_rest(&input), control = {rest.at, least(control_len, rest.len)};
    rest = slice_from(rest, control.len);
    if (rest.len > STREAM_MAX)
        return 0;
    /* A verdict may wait for the end of a line: so that none is outstanding at the end, there is one. */
    memcpy(stream, rest.at, rest.len);
    stream[rest.len] = '\n';
    limits.head_max = head_maxes[flags >> 2 & 3];
    limits.max_requests = flags & 16 ? 2 : 0;
    limits.min_rate = flags & 32 ? 1000 : 0;
    env.in.slot_size = CONN_IN_LEN(limits.head_max);
    run_all(flags & 3, control, (struct slice){stream, rest.len + 1});
    return 0;
}
