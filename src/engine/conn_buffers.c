/* Input lies in a buffer of one of two sizes, and which of the two follows from its length alone: so it needs no note,
   and what grows, or shrinks, moves from the one to the other. */
#include "engine/conn_buffers.h"
#include "base/check.h"
#include "engine/conn.h"
#include "site/reply.h"

#include <string.h>

/* Where input of that length lies. */
static struct pool *conn_in_pool(struct conn_env *env, size_t len) {
    return len <= CONN_SHORT_LEN ? &env->in_short : &env->in;
}

static void conn_drop_in(struct conn *conn) {
    pool_drop(conn_in_pool(conn->env, conn->in_len), conn->in);
}

void conn_release_in(struct conn *conn) {
    if (conn->in)
        conn_drop_in(conn);
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

/* A buffer for so much: `in` itself, or another, which conn_set_in puts in its place once it has been filled. */
static char *conn_room_in(struct conn *conn, size_t len) {
    struct pool *pool = conn_in_pool(conn->env, len);
    if (conn->in && pool == conn_in_pool(conn->env, conn->in_len))
        return conn->in;
    char *room = pool_take(pool);
    CHECK(room); /* there is one for each connection */
    return room;
}

static void conn_set_in(struct conn *conn, char *in, size_t len) {
    if (conn->in && conn->in != in)
        conn_drop_in(conn);
    conn->in = in;
    conn->in_len = (uint32_t)len;
}

void conn_keep(struct conn *conn, const char *head, size_t head_len, const char *rest, size_t rest_len) {
    const size_t head_max = conn->env->limits->head_max, len = head_len + rest_len;
    CHECK(len > 0 && head_len <= head_max && rest_len <= CONN_IN_LEN(head_max) - head_len);
    char *in = conn_room_in(conn, len);
    if (head_len > 0 && head != in)
        memmove(in, head, head_len);
    if (rest_len > 0 && rest != in + head_len)
        memmove(in + head_len, rest, rest_len);
    conn_set_in(conn, in, len);
}

void conn_append(struct conn *conn, const char *bytes, size_t len) {
    const size_t before = conn->in_len;
    CHECK(before + len <= conn->env->limits->head_max);
    char *in = conn_room_in(conn, before + len);
    if (in != conn->in)
        memcpy(in, conn->in, before);
    memcpy(in + before, bytes, len);
    conn_set_in(conn, in, before + len);
}

struct outq *conn_outq(struct conn *conn) {
    if (!conn->out) {
        conn->out = pool_take(&conn->env->out);
        CHECK(conn->out);
        outq_init(conn->out, reply_release);
    }
    return conn->out;
}
