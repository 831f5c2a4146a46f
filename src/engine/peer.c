/* A connection counts for its peer as long as it lasts, which is the host's business. That of one who is trusted does
   not, but while requests are being answered on it, for the one who asks. */
#include "engine/peer.h"
#include "engine/conn.h"

static bool is_trusted(const struct conn *conn, const struct address *address) {
    return conn->env->trust && network_list_has(&conn->env->trust->in_front, address);
}

void peer_open(struct conn *conn) {
    conn->trusted = conn->from && is_trusted(conn, conn->from);
}

bool peer_introduce(struct conn *conn, const struct address *address) {
    if (address->kind == ADDRESS_NONE)
        return true;
    *conn->from = *address;
    conn->trusted = is_trusted(conn, address);
    return conn->trusted || !conn->env->count || conn->env->count(conn, address_key(address));
}

struct address peer_ask(struct conn *conn, const struct request *request, bool *too_many) {
    const struct conn_env *env = conn->env;
    struct address from = {.kind = ADDRESS_NONE};
    *too_many = false;
    if (conn->from)
        from = *conn->from;
    if (!conn->trusted)
        return from;
    bool beyond = forwarded_find(request, env->trust->field, &env->trust->in_front, conn->from, &from);
    if (env->count) {
        *too_many = !env->count(conn, beyond ? address_key(&from) : 0);
        conn->counted = beyond && !*too_many;
    }
    return from;
}

void peer_answered(struct conn *conn) {
    if (conn->counted)
        conn->env->count(conn, 0);
    conn->counted = false;
}
