/* The reasons for which a connection ends, and what is told of it where somebody watches; apart from conn.c, which acts
   on them. */
#include "engine/conn_watch.h"
#include "base/check.h"
#include "engine/conn.h"
#include "engine/exchanges.h"

#include <errno.h>

void conn_ends(struct conn *conn, enum conn_end why) {
    if (conn->end == END_OPEN)
        conn->end = (uint8_t)why;
}

enum conn_end conn_last_why(const struct conn *conn, const struct request *request) {
    const struct conn_env *env = conn->env;
    if (!request->keep_alive)
        return END_ASKED;
    if (env->draining)
        return END_DRAINED;
    if (conn->draining || atomic_load_explicit(env->crowded, memory_order_relaxed))
        return END_MADE_ROOM;
    if (env->limits->max_requests && conn->request_count >= env->limits->max_requests)
        return END_MAX_REQUESTS;
    return END_OPEN;
}

enum conn_end conn_failed_why(const struct conn *conn, ssize_t result) {
    bool idle = conn_idle(conn);
    if (result == 0)
        return conn->state == CONN_REPLYING ? END_FILE_CHANGED : idle ? END_LEFT : END_GONE;
    if (result == -ECONNRESET || result == -EPIPE)
        return idle ? END_LEFT : END_GONE;
    return END_ERROR;
}

void conn_held_request(const struct conn *conn, struct request *request) {
    size_t head_len;
    CHECK(request_parse(conn->in, conn->held_len, conn->env->limits->head_max, request, &head_len) == 0);
}

/* When the first byte of the request came. Of one that came in pieces only the deadline that was set then is known. */
static uint64_t conn_began_ns(const struct conn *conn) {
    const struct clock *clock = &conn->env->clock;
    uint64_t since_ms = clock->now_ms;
    if (conn->state == CONN_LOADING)
        since_ms = conn->reply_at_ms;
    else if (conn->state == CONN_READING && conn->in)
        since_ms = conn->deadline_ms - conn->env->limits->header_timeout_ms;
    uint64_t before_ms = clock->now_ms > since_ms ? clock->now_ms - since_ms : 0;
    return clock->now_ns - before_ms * 1000000;
}

void conn_watch_reply(struct conn *conn, const struct asked *asked, const struct replied *replied, uint64_t first) {
    struct conn_env *env = conn->env;
    if (!conn->exchanges) {
        conn->exchanges = pool_take(&env->exchanges);
        CHECK(conn->exchanges);
        exchanges_init(conn->exchanges);
    }
    struct exchange exchange = {.method = asked->request->method,
                                .status = replied->status,
                                .began_ns = conn_began_ns(conn),
                                .head_len = replied->head_len,
                                .len = conn->out ? conn->out->queued - first : 0};
    struct asked told = *asked;
    struct address from;
    if (!told.from && asked->whole) {
        peer_find(conn, asked->request, &from);
        told.from = &from;
    } else if (!told.from) {
        told.from = conn->from;
    }
    exchanges_begin(conn->exchanges, env->watch, conn, &exchange, &told, conn->out ? conn->out->queued : 0);
}

bool conn_watch_room(const struct conn *conn) {
    return !conn->exchanges || exchanges_room(conn->exchanges, conn->env->watch);
}

void conn_watch_moved(const struct conn *conn, size_t received, size_t sent) {
    const struct watch *watch = conn->env->watch;
    if (watch && watch->moved)
        watch->moved(watch->ctx, received, sent);
}

void conn_watch_sent(struct conn *conn) {
    if (conn->exchanges)
        exchanges_sent(conn->exchanges, conn->env->watch, conn, conn->sent);
}

void conn_watch_end(struct conn *conn) {
    if (!conn->exchanges)
        return;
    exchanges_cut(conn->exchanges, conn->env->watch, conn, conn->sent);
    pool_drop(&conn->env->exchanges, conn->exchanges);
    conn->exchanges = NULL;
}

void conn_watch_unanswered(struct conn *conn) {
    struct request request;
    struct replied none = {.status = STATUS_CLIENT_LEFT};
    if (!conn->env->watch || !conn->held || !conn_watch_room(conn))
        return;
    conn_held_request(conn, &request);
    conn_watch_reply(conn, &(struct asked){.request = &request, .whole = true}, &none,
                     conn->out ? conn->out->queued : 0);
}
