/* Why a connection ends, and what it tells whoever watches it: for conn.c. */
#ifndef CONN_WATCH_H
#define CONN_WATCH_H

#include "engine/watch.h"
#include "site/reply.h"

#include <sys/types.h>

/* It ends, or will when its reply has left, for this reason; unless it had one before. */
void conn_ends(struct conn *conn, enum conn_end why);

/* Why the reply to this request is the last; END_OPEN: it isn't. */
enum conn_end conn_last_why(const struct conn *conn, const struct request *request);

/* What an op's result that ends the connection means. */
enum conn_end conn_failed_why(const struct conn *conn, ssize_t result);

/* Parses the head that is held, which has been whole before. */
void conn_held_request(const struct conn *conn, struct request *request);

/* Where somebody watches: the reply to what was asked has been queued, as what the queue holds from position `first`
   on. */
void conn_watch_reply(struct conn *conn, const struct asked *asked, const struct replied *replied, uint64_t first);

/* The rest does nothing where nobody watches. */

/* Whether what is kept of one more exchange fits. */
bool conn_watch_room(const struct conn *conn);

/* Bytes have come, or left. */
void conn_watch_moved(const struct conn *conn, size_t received, size_t sent);

/* conn->sent bytes of the queue have left. */
void conn_watch_sent(struct conn *conn);

/* The queue is empty, or what it held will never leave. */
void conn_watch_end(struct conn *conn);

/* The client has left before its request, which is held, was answered: STATUS_CLIENT_LEFT. */
void conn_watch_unanswered(struct conn *conn);

#endif
