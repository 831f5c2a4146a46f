/* --max-per-ip counts connections. One from a client counts for its address as long as it lasts, which the host sees
   to. One from a trusted balancer counts for nobody; but while a request is being answered on it, it counts for the
   client that the request is from. */
#include "engine/peer.h"
#include "engine/conn.h"

static bool is_trusted(const struct conn *conn, const struct address *address) {
    return conn->env->trust && network_list_has(&conn->env->trust->in_front, address);
}

void peer_open(struct conn *conn) {
    conn->trusted = conn->from && is_trusted(conn, conn->from);
}

/* A reload may have changed whom to trust: then the connection counts for its own address from now on, or no longer. */
static void peer_look_again(struct conn *conn) {
    bool trusted = conn->from && is_trusted(conn, conn->from);
    if (trusted == conn->trusted)
        return;
    conn->trusted = trusted;
    if (conn->env->count)
        conn->env->count(conn, trusted ? 0 : address_key(conn->from));
}

bool peer_introduce(struct conn *conn, const struct address *address) {
    if (address->kind == ADDRESS_NONE)
        return true;
    *conn->from = *address;
    conn->trusted = is_trusted(conn, address);
    return conn->trusted || !conn->env->count || conn->env->count(conn, address_key(address));
}

bool peer_find(const struct conn *conn, const struct request *request, struct address *from) {
    const struct peer_trust *trust = conn->env->trust;
    if (conn->trusted)
        return forwarded_find(request, trust->field, &trust->in_front, conn->from, from);
    *from = conn->from ? *conn->from : (struct address){.kind = ADDRESS_NONE};
    return false;
}

bool peer_ask(struct conn *conn, const struct request *request, struct address *from) {
    const struct conn_env *env = conn->env;
    peer_look_again(conn);
    bool forwarded = peer_find(conn, request, from);
    if (!conn->trusted || !env->count)
        return true;
    bool may = env->count(conn, forwarded ? address_key(from) : 0);
    conn->counted = forwarded && may;
    return may;
}

void peer_answered(struct conn *conn) {
    if (conn->counted)
        conn->env->count(conn, 0);
    conn->counted = false;
}
