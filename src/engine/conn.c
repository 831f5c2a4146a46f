/* clang-format off */
/* The connection's states. A request that arrives whole is parsed and answered where it lies; only an unfinished head,
   requests beyond what the output queue holds, or one that waits for a load, are copied to a borrowed buffer.

   state      wants           on progress                    on end       on -ETIMEDOUT        deadline
   PROXIED    RECV            PROXY header whole: READING,   close        close                as READING's
                              what follows; bad: close
   READING    RECV            head and body whole: reply;    close        nothing received:    idle, then one
                              else wait for more                          close; else 408      for the whole head
   LOADING    LOAD            ask again: reply, or           close        503, then close      load
                              another load
   REPLYING   SEND, SENDFILE  advance; queue empty: next     file shrank  close                renewed by progress
                              request, or finish             or changed:                       that is fast enough
                                                             close
   FINISHING  FIN             LINGERING, or close                         close                linger
   LINGERING  RECV            dropped, within a bound        close        close                linger, not renewed
   CLOSING    CLOSE

   The column "on end" is for the peer's end of stream, and for errors. A load is begun only when the replies before it
   have left; when it is done, its request is answered as if it had just come, from the head that is held.

   Invariant: `in` is borrowed exactly while in_len > 0, `out` exactly while it is not empty; a reference to `load` is
   kept exactly while LOADING. An idle connection holds nothing. `exchanges` is borrowed from the first reply that is
   queued until `out` is empty again, where somebody watches. */
/* clang-format on */
#include "engine/conn.h"
#include "base/check.h"
#include "engine/conn_buffers.h"
#include "engine/conn_deadlines.h"
#include "engine/conn_watch.h"
#include "engine/peer.h"
#include "protocol/proxy_header.h"
#include "protocol/request.h"
#include "site/reply.h"

#include <errno.h>
#include <string.h>

void conn_open(struct conn *conn, struct conn_env *env, struct address *from) {
    *conn = (struct conn){.env = env, .from = from};
    peer_open(conn);
    conn->state = conn->trusted && env->trust->proxy_protocol ? CONN_PROXIED : CONN_READING;
    conn->deadline_ms = env->clock.now_ms + env->limits->idle_timeout_ms;
}

/* A request can't be answered before something is loaded: its head is held. If replies before it have yet to leave, the
   load is not begun: the request will be answered anew then, and ask for it again. (Inlined, it would keep functions
   that each reply needs from being so.) */
static __attribute__((noinline)) void conn_hold(struct conn *conn, const struct asker *asker, bool distrust) {
    conn->request_count--; /* it is counted when it is answered anew */
    conn->held = distrust ? HELD_LAST : HELD_DUE;
    if (!outq_empty(conn->out)) {
        load_put(asker->load);
        return;
    }
    conn_release_out(conn);
    conn->state = CONN_LOADING;
    conn->load = asker->load;
    conn->since_look = asker->since_look;
    conn->reply_at_ms = asker->since_ms;
    conn->deadline_ms = asker->since_ms + LOAD_MS;
}

/* Answers a whole request, or holds it (conn->held) where something must be loaded first. `distrust`: it has a body
   whose end isn't known, so nothing behind it may be taken for a request. */
static void conn_reply(struct conn *conn, const struct request *request, bool distrust) {
    const struct conn_env *env = conn->env;
    bool again = conn->state == CONN_LOADING;
    struct address from;
    bool may = peer_ask(conn, request, &from);
    struct asker asker = {.peer = address_key(&from),
                          .from = &from,
                          .too_many = !may,
                          .since_ms = again ? conn->reply_at_ms : env->clock.now_ms,
                          .since_look = conn->since_look,
                          .load = again ? conn->load : NULL};
    conn->request_count++;
    enum conn_end why = distrust ? END_BODY : conn_last_why(conn, request);
    uint64_t first = conn_outq(conn)->queued;
    struct replied replied = reply_build(env->site, &env->clock, request, &asker, why != END_OPEN, conn->out);
    if (replied.outcome == REPLY_LOADING) {
        conn_hold(conn, &asker, distrust);
        return;
    }
    if (asker.load)
        load_put(asker.load);
    if (env->watch)
        conn_watch_reply(conn, &(struct asked){.request = request, .from = &from, .whole = true}, &replied, first);
    conn->state = CONN_REPLYING;
    conn->held = HELD_NONE;
    conn->last = replied.outcome == REPLY_LAST;
    if (conn->last) /* the site may end it where we had no reason to: the target made no sense */
        conn_ends(conn, why != END_OPEN ? why : END_REFUSED);
    /* A client that asked us to close has said all it will: it isn't waited for, unless the reply is long. */
    conn->linger = distrust || request->keep_alive;
}

/* Answers with an error, and ends the connection after it: 408 or 503 for what came or could be loaded too late, else
   what is wrong with a request. */
static void conn_refuse(struct conn *conn, const struct asked *asked, int status) {
    uint64_t first = conn_outq(conn)->queued;
    struct replied replied = reply_error(conn->env->site, &conn->env->clock, asked->request, status, conn->out);
    if (conn->env->watch)
        conn_watch_reply(conn, asked, &replied, first);
    conn->last = conn->linger = true;
    conn_ends(conn, status == 408 ? END_HEADER_TIMEOUT : status == 503 ? END_LOAD_TIMEOUT : END_REFUSED);
}

/* Takes one request off the front of `bytes` and answers it. Returns how many bytes it took; 0: it isn't whole. If
   conn->held says so afterwards, it isn't answered yet, and its head is the first held_len of those bytes. */
static size_t conn_take_request(struct conn *conn, const char *bytes, size_t len) {
    struct request request;
    size_t head_len, body_len = 0;
    int status = request_parse(bytes, len, conn->env->limits->head_max, &request, &head_len);
    if (status == REQUEST_INCOMPLETE)
        return 0;
    if (status != 0) {
        conn_refuse(conn, &(struct asked){.request = &request, .raw = {bytes, len}}, status);
        return len;
    }
    conn->held_len = (uint32_t)head_len;
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
        conn->held = HELD_FOR_BODY;
        return len;
    }
    if (status == 400)
        conn_refuse(conn, &(struct asked){.request = &request, .whole = true}, status);
    else
        conn_reply(conn, &request, status != 0);
    return head_len + body_len;
}

/* Whether one more reply fits. */
static bool conn_room(const struct conn *conn) {
    return (!conn->out || outq_room(conn->out)) && conn_watch_room(conn);
}

/* Answers the requests that lie in `bytes`, as many as the output queue holds, and keeps the rest in `in`, where
   `bytes` may lie already. */
static void conn_take_requests(struct conn *conn, const char *bytes, size_t len, bool unfinished_before) {
    size_t used = 0, head = 0;
    while (used < len && !conn->last && !conn->held && conn_room(conn)) {
        size_t took = conn_take_request(conn, bytes + used, len - used);
        if (took == 0)
            break;
        head = used;
        used += took;
        if (conn->held != HELD_FOR_BODY) /* a head and its body have one deadline, the next request has another */
            unfinished_before = false;
    }
    if (conn->last)
        conn->linger |= used < len;
    if (conn->last || (used == len && !conn->held))
        conn_release_in(conn);
    else
        conn_keep(conn, bytes + head, conn->held ? conn->held_len : 0, bytes + used, len - used);
    if (conn->out) {
        conn->state = CONN_REPLYING;
        conn->reply_at_ms = conn->env->clock.now_ms;
        conn->sent = 0;
        conn_set_reply_deadline(conn);
    } else if (conn->state != CONN_LOADING) {
        conn->state = CONN_READING;
        conn_set_reading_deadline(conn, unfinished_before);
    }
}

/* Answers the request that is held, unless something must be loaded (yet), and then what lies behind it. */
static void conn_answer_held(struct conn *conn) {
    struct request request;
    conn_held_request(conn, &request);
    conn_reply(conn, &request, conn->held == HELD_LAST);
    if (!conn->held)
        conn_take_requests(conn, conn->in + conn->held_len, conn->in_len - conn->held_len, false);
}

/* More of the body of the request that is held: once that has ended, it is answered. */
static void conn_feed_body(struct conn *conn, const char *bytes, size_t len) {
    struct request request;
    size_t used;
    int status = body_discard(&conn->body, bytes, len, &used);
    if (status == REQUEST_INCOMPLETE)
        return;
    conn_keep(conn, conn->in, conn->held_len, bytes + used, len - used);
    conn->held = status == 0 ? HELD_DUE : HELD_LAST;
    if (status != 400) {
        conn_answer_held(conn);
        return;
    }
    conn_held_request(conn, &request);
    conn_refuse(conn, &(struct asked){.request = &request, .whole = true}, status);
    conn_take_requests(conn, NULL, 0, false);
}

/* Gives back what it borrowed. A load that it waited for goes on, for others. */
static void conn_release(struct conn *conn) {
    if (conn->state == CONN_LOADING) {
        load_put(conn->load);
        conn->sent = 0;
    }
    conn_release_out(conn);
    conn_watch_end(conn);
    conn_release_in(conn);
    conn->state = CONN_CLOSING;
}

static void conn_abort(struct conn *conn, enum conn_end why) {
    conn_ends(conn, why);
    conn_watch_unanswered(conn);
    conn_release(conn);
}

/* Bytes of a PROXY header, or of one and what follows. It and the head behind it have one deadline, from the first byte
   on. */
static void conn_feed_proxied(struct conn *conn, const char *bytes, size_t len) {
    struct address from;
    bool unfinished = conn->in != NULL;
    if (unfinished) {
        conn_append(conn, bytes, len);
        bytes = conn->in;
        len = conn->in_len;
    }
    ssize_t used = proxy_header_parse(bytes, len, conn->env->limits->head_max, &from);
    if (used == PROXY_HEADER_INCOMPLETE) {
        conn_keep(conn, NULL, 0, bytes, len);
        conn_set_reading_deadline(conn, unfinished);
    } else if (used == PROXY_HEADER_BAD) {
        conn_abort(conn, END_PROXY_HEADER); /* who hasn't said whom it speaks for is owed no answer */
    } else if (!peer_introduce(conn, &from)) {
        conn_abort(conn, END_MAX_PER_IP);
    } else {
        conn_take_requests(conn, bytes + used, len - (size_t)used, unfinished);
    }
}

void conn_feed(struct conn *conn, const char *bytes, size_t len) {
    conn_watch_moved(conn, len, 0);
    if (conn->state == CONN_LINGERING) {
        conn_set_linger_deadline(conn);
        conn->lingered += (uint32_t)len;
        if (conn->lingered > LINGER_BYTES)
            conn->state = CONN_CLOSING;
        return;
    }
    CHECK(conn->state <= CONN_READING && len > 0);
    if (conn->state == CONN_PROXIED) {
        conn_feed_proxied(conn, bytes, len);
        return;
    }
    if (conn->held == HELD_FOR_BODY) {
        conn_feed_body(conn, bytes, len);
        return;
    }
    if (!conn->in) {
        conn_take_requests(conn, bytes, len, false);
        return;
    }
    conn_append(conn, bytes, len);
    /* A head can only become whole with the end of a line; so one that drips in is not parsed again for each byte. */
    if (memchr(bytes, '\n', len) || conn->in_len == conn->env->limits->head_max)
        conn_take_requests(conn, conn->in, conn->in_len, true);
}

void conn_next(struct conn *conn, struct conn_op *op) {
    switch ((enum conn_state)conn->state) {
    case CONN_PROXIED:
    case CONN_READING:
        op->kind = OP_RECV;
        op->recv_max = conn->env->limits->head_max - (conn->held ? 0 : conn->in_len);
        break;
    case CONN_LOADING:
        op->kind = OP_LOAD;
        op->load = conn->load;
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

/* `len` bytes of the queue have left. Once all have: what comes next. */
static void conn_sent(struct conn *conn, size_t len) {
    conn->sent += len;
    outq_advance(conn->out, len);
    conn_watch_moved(conn, 0, len);
    conn_watch_sent(conn);
    if (!outq_empty(conn->out)) {
        conn_set_reply_deadline(conn);
        return;
    }
    conn_release_out(conn);
    conn_watch_end(conn);
    peer_answered(conn);
    if (conn->last) { /* not closed at once: the last bytes, sent with MSG_MORE, wait for the FIN */
        conn->state = CONN_FINISHING;
        conn->linger |= conn->sent > LINGER_SENT;
        conn->lingered = 0;
        conn_set_linger_deadline(conn);
    } else if (!conn->in || conn->held == HELD_FOR_BODY) {
        conn->state = CONN_READING;
        conn_set_reading_deadline(conn, false);
    } else if (conn->held) {
        conn_answer_held(conn);
    } else {
        conn_take_requests(conn, conn->in, conn->in_len, false);
    }
}

static void conn_timed_out(struct conn *conn) {
    struct request request = {.minor_version = 1};
    bool loading = conn->state == CONN_LOADING;
    if (!loading && (conn->state != CONN_READING || !conn->in)) {
        conn_ends(conn, conn_idle(conn) ? END_IDLE : conn->state == CONN_PROXIED ? END_PROXY_HEADER : END_SEND_TIMEOUT);
        conn->state = CONN_CLOSING;
        return;
    }
    struct asked asked = {.request = &request, .whole = conn->held != HELD_NONE, .raw = {conn->in, conn->in_len}};
    if (asked.whole) /* its head came in time: late is the body, or the load */
        conn_held_request(conn, &request);
    if (loading)
        load_put(conn->load);
    conn_refuse(conn, &asked, loading ? 503 : 408);
    conn_take_requests(conn, NULL, 0, false);
}

void conn_close(struct conn *conn) {
    conn_abort(conn, conn_idle(conn) ? END_DRAINED : END_CUT);
    if (conn->env->watch)
        conn->env->watch->closed(conn->env->watch->ctx, conn);
}

void conn_done(struct conn *conn, ssize_t result) {
    if (result == -EAGAIN && !conn_leaving(conn))
        return;
    if (result == -EAGAIN)
        conn_abort(conn, conn->env->draining ? END_DRAINED : END_MADE_ROOM);
    else if (result == -ETIMEDOUT)
        conn_timed_out(conn);
    else if (conn->state == CONN_FINISHING && result >= 0)
        conn->state = conn->linger ? CONN_LINGERING : CONN_CLOSING;
    else if (conn->state == CONN_REPLYING && result > 0)
        conn_sent(conn, (size_t)result);
    else if (conn->state == CONN_LOADING && result == 0)
        conn_answer_held(conn);
    else /* the peer's end of stream, a file that shrank, or an error: nothing more can be said */
        conn_abort(conn, conn_failed_why(conn, result));
}

void conn_drain(struct conn *conn) {
    conn->draining = true;
}

bool conn_renew(struct conn *conn, unsigned idle_timeout_ms_before) {
    uint64_t deadline_ms = conn->deadline_ms;
    if (conn_idle(conn))
        conn->deadline_ms += conn->env->limits->idle_timeout_ms - (uint64_t)idle_timeout_ms_before;
    return conn->deadline_ms != deadline_ms;
}
