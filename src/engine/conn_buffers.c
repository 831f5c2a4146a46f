#include "engine/conn_buffers.h"
#include "base/check.h"
#include "engine/conn.h"
#include "site/reply.h"

void conn_release_in(struct conn *conn) {
    if (conn->in)
        pool_drop(&conn->env->in, conn->in);
    conn->in = NULL;
    conn->in_len = conn->held_len = 0;
    conn->held = HELD_NONE;
}

void conn_release_out(struct conn *conn) {
    if (!conn->out)
        return;
    outq_clear(conn->out);
    pool_drop(&conn->env->out, conn->out);
    conn->out = NULL;
}

void conn_keep(struct conn *conn, const char *head, size_t head_len, const char *rest, size_t rest_len) {
    const size_t head_max = conn->env->limits->head_max;
    if (head_len + rest_len == 0) {
        conn_release_in(conn);
        return;
    }
    if (!conn->in) {
        conn->in = pool_take(&conn->env->in);
        CHECK(conn->in); /* there is one for each connection */
    }
    CHECK(head_len <= head_max && rest_len <= CONN_IN_LEN(head_max) - head_len);
    if (head_len > 0 && head != conn->in)
        memmove(conn->in, head, head_len);
    if (rest_len > 0 && rest != conn->in + head_len)
        memmove(conn->in + head_len, rest, rest_len);
    conn->in_len = (uint32_t)(head_len + rest_len);
}

struct outq *conn_outq(struct conn *conn) {
    if (!conn->out) {
        conn->out = pool_take(&conn->env->out);
        CHECK(conn->out);
        outq_init(conn->out, reply_release);
    }
    return conn->out;
}
