/* clang-format off */
/* The connection's states. A request that arrives whole is parsed and answered where it lies; only an unfinished head,
   or requests beyond what the output queue holds, are copied to a borrowed buffer.

   state      wants           on progress                    on end       on -ETIMEDOUT        deadline
   READING    RECV            head and body whole: reply;    close        nothing received:    idle, then one
                              else wait for more                          close; else 408      for the whole head
   REPLYING   SEND, SENDFILE  advance; queue empty: next     file shrank  close                renewed by progress
                              request, or finish             or changed:                       that is fast enough
                                                             close
   FINISHING  FIN             LINGERING, or close                         close                linger
   LINGERING  RECV            dropped, within a bound        close        close                linger, not renewed
   CLOSING    CLOSE

   Invariant: `in` is borrowed exactly while in_len > 0, `out` exactly while it is not empty. An idle connection holds
   neither. */
/* clang-format on */
#include "engine/conn.h"
#include "base/check.h"
#include "site/reply.h"
#include "protocol/request.h"

#include <errno.h>
#include <string.h>

void conn_open(struct conn *conn, struct conn_env *env) {
    *conn = (struct conn){.env = env, .state = CONN_READING};
    conn->deadline_ms = env->clock.now_ms + env->limits->idle_timeout_ms;
}

static void conn_release_in(struct conn *conn) {
    if (conn->in)
        pool_drop(&conn->env->in, conn->in);
    conn->in = NULL;
    conn->in_len = conn->held = 0;
}

static void conn_release_out(struct conn *conn) {
    if (!conn->out)
        return;
    outq_clear(conn->out);
    pool_drop(&conn->env->out, conn->out);
    conn->out = NULL;
}

void conn_close(struct conn *conn) {
    conn_release_in(conn);
    conn_release_out(conn);
    conn->state = CONN_CLOSING;
}

/* Keeps `len` unfinished or unanswered bytes for later. They may lie in `in` already. */
static void conn_keep(struct conn *conn, const char *bytes, size_t len) {
    if (!bytes || len == 0) {
        conn_release_in(conn);
        return;
    }
    if (!conn->in) {
        conn->in = pool_take(&conn->env->in);
        CHECK(conn->in); /* there is one for each connection */
    }
    CHECK(len <= conn->env->limits->head_max);
    if (bytes != conn->in)
        memmove(conn->in, bytes, len);
    conn->in_len = (uint32_t)len;
}

static struct outq *conn_outq(struct conn *conn) {
    if (!conn->out) {
        conn->out = pool_take(&conn->env->out);
        CHECK(conn->out);
        outq_init(conn->out, reply_release);
    }
    return conn->out;
}

static bool conn_is_last(const struct conn *conn, const struct request *request) {
    const struct conn_env *env = conn->env;
    return !request->keep_alive || conn->draining || env->draining ||
           atomic_load_explicit(env->crowded, memory_order_relaxed) ||
           (env->limits->max_requests && conn->request_count >= env->limits->max_requests);
}

/* Answers a whole request. `distrust`: what follows its head can't be told from a request. */
static void conn_reply(struct conn *conn, const struct request *request, bool distrust) {
    conn->request_count++;
    conn->last = reply_build(conn->env->site, &conn->env->clock, request, distrust || conn_is_last(conn, request),
                             conn_outq(conn));
    /* A client that asked us to close has said all it will: it isn't waited for. */
    conn->linger = distrust || request->keep_alive;
}

/* Answers what is not a request, or came too late to be one. */
static void conn_refuse(struct conn *conn, const struct request *request, int status) {
    conn->last = conn->linger = true;
    reply_error(conn->env->site, &conn->env->clock, request, status, conn_outq(conn));
}

/* Takes one request off the front of bytes. Returns how many bytes it took; 0: it isn't whole. */
static size_t conn_take_request(struct conn *conn, const char *bytes, size_t len) {
    struct request request;
    size_t head_len, body_len = 0;
    int status = request_parse(bytes, len, conn->env->limits->head_max, &request, &head_len);
    if (status == REQUEST_INCOMPLETE)
        return 0;
    if (status != 0) {
        conn_refuse(conn, &request, status);
        return len;
    }
    if (request.body == BODY_NONE) {
        conn_reply(conn, &request, false);
        return head_len;
    }
    if (request.expect_continue || body_too_long(&request)) {
        conn_reply(conn, &request, true);
        return len;
    }
    body_init(&conn->body, &request);
    status = body_discard(&conn->body, bytes + head_len, len - head_len, &body_len);
    if (status == REQUEST_INCOMPLETE) {
        conn->held = (uint32_t)head_len;
        return 0;
    }
    if (status == 400)
        conn_refuse(conn, &request, status);
    else
        conn_reply(conn, &request, status != 0);
    return head_len + body_len;
}

static void conn_set_reading_deadline(struct conn *conn, bool unfinished_before) {
    const struct limits *limits = conn->env->limits;
    if (!conn->in)
        conn->deadline_ms = conn->env->clock.now_ms + limits->idle_timeout_ms;
    else if (!unfinished_before)
        conn->deadline_ms = conn->env->clock.now_ms + limits->header_timeout_ms;
}

static void conn_set_reply_deadline(struct conn *conn) {
    const struct limits *limits = conn->env->limits;
    uint64_t stalled = conn->env->clock.now_ms + limits->send_timeout_ms;
    if (limits->min_rate) {
        uint64_t slow = conn->reply_at_ms + limits->send_timeout_ms + conn->sent * 1000 / limits->min_rate;
        if (slow < stalled)
            stalled = slow;
    }
    conn->deadline_ms = stalled;
}

/* Answers what requests lie in bytes, as many as the output queue holds, and keeps the rest. */
static void conn_take_requests(struct conn *conn, const char *bytes, size_t len, bool unfinished_before) {
    size_t used = 0;
    while (used < len && !conn->last && (!conn->out || outq_room(conn->out))) {
        size_t took = conn_take_request(conn, bytes + used, len - used);
        if (took == 0)
            break;
        used += took;
        unfinished_before = false;
    }
    if (conn->last) {
        conn->linger |= used < len;
        conn_release_in(conn);
    } else {
        conn_keep(conn, bytes + used, conn->held ? conn->held : len - used);
    }
    if (conn->out) {
        conn->state = CONN_REPLYING;
        conn->reply_at_ms = conn->env->clock.now_ms;
        conn->sent = 0;
        conn_set_reply_deadline(conn);
    } else {
        conn->state = CONN_READING;
        conn_set_reading_deadline(conn, unfinished_before);
    }
}

/* The head in `in` waits for its body to end: once it has, it is answered as if it had come without one. */
static void conn_feed_body(struct conn *conn, const char *bytes, size_t len) {
    size_t used;
    int status = body_discard(&conn->body, bytes, len, &used);
    if (status == REQUEST_INCOMPLETE)
        return;
    struct request request;
    size_t head_len;
    CHECK(request_parse(conn->in, conn->held, conn->env->limits->head_max, &request, &head_len) == 0);
    if (status == 400)
        conn_refuse(conn, &request, status);
    else
        conn_reply(conn, &request, status != 0);
    conn_release_in(conn);
    conn_take_requests(conn, bytes + used, len - used, false);
}

void conn_feed(struct conn *conn, const char *bytes, size_t len) {
    if (conn->state == CONN_LINGERING) {
        conn->lingered += (uint32_t)len;
        if (conn->lingered > LINGER_BYTES)
            conn->state = CONN_CLOSING;
        return;
    }
    CHECK(conn->state == CONN_READING && len > 0);
    if (conn->held) {
        conn_feed_body(conn, bytes, len);
        return;
    }
    if (!conn->in) {
        conn_take_requests(conn, bytes, len, false);
        return;
    }
    CHECK(conn->in_len + len <= conn->env->limits->head_max);
    memcpy(conn->in + conn->in_len, bytes, len);
    conn->in_len += (uint32_t)len;
    /* A head can only become whole with the end of a line; so one that drips in is not parsed again for each byte. */
    if (memchr(bytes, '\n', len) || conn->in_len == conn->env->limits->head_max)
        conn_take_requests(conn, conn->in, conn->in_len, true);
}

void conn_next(struct conn *conn, struct conn_op *op) {
    switch ((enum conn_state)conn->state) {
    case CONN_READING:
        op->kind = OP_RECV;
        op->recv_max = conn->env->limits->head_max - (conn->held ? 0 : conn->in_len);
        break;
    case CONN_REPLYING:
        outq_next(conn->out, &op->send);
        op->send.more |= conn->last; /* the end of the stream leaves in one segment with the last bytes */
        op->kind = op->send.iov_count ? OP_SEND : OP_SENDFILE;
        break;
    case CONN_FINISHING:
        op->kind = OP_FIN;
        break;
    case CONN_LINGERING:
        op->kind = OP_RECV;
        op->recv_max = conn->env->limits->head_max;
        break;
    case CONN_CLOSING:
        op->kind = OP_CLOSE;
        break;
    }
}

static void conn_sent(struct conn *conn, size_t len) {
    conn->sent += len;
    outq_advance(conn->out, len);
    if (!outq_empty(conn->out)) {
        conn_set_reply_deadline(conn);
        return;
    }
    conn_release_out(conn);
    if (conn->last) { /* a close without a FIN before it could drop the last bytes, which wait for one */
        conn->state = CONN_FINISHING;
        conn->deadline_ms = conn->env->clock.now_ms + LINGER_MS;
    } else if (conn->held) {
        conn->state = CONN_READING;
        conn_set_reading_deadline(conn, false);
    } else {
        conn_take_requests(conn, conn->in ? conn->in : "", conn->in_len, false);
    }
}

static void conn_timed_out(struct conn *conn) {
    struct request request = {.minor_version = 1};
    size_t head_len;
    if (conn->state != CONN_READING || !conn->in) {
        conn->state = CONN_CLOSING;
        return;
    }
    if (conn->held) /* it is the body that is late */
        CHECK(request_parse(conn->in, conn->held, conn->env->limits->head_max, &request, &head_len) == 0);
    conn_refuse(conn, &request, 408);
    conn_take_requests(conn, NULL, 0, false);
}

void conn_done(struct conn *conn, ssize_t result) {
    if (result == -EAGAIN)
        conn->state = conn_leaving(conn) ? CONN_CLOSING : conn->state;
    else if (result == -ETIMEDOUT)
        conn_timed_out(conn);
    else if (conn->state == CONN_FINISHING && result >= 0)
        conn->state = conn->linger ? CONN_LINGERING : CONN_CLOSING;
    else if (conn->state == CONN_REPLYING && result > 0)
        conn_sent(conn, (size_t)result);
    else /* the peer's end of stream, a file that shrank, or an error: nothing more can be said */
        conn->state = CONN_CLOSING;
}

void conn_drain(struct conn *conn) {
    conn->draining = true;
}
