/* Why a connection ends, and what it tells whoever watches it: for conn.c. */
#ifndef CONN_WATCH_H
#define CONN_WATCH_H

#include "engine/watch.h"
#include "site/reply.h"

#include <sys/types.h>

/* Notes why it ends, now or when its reply has left. The first reason holds. */
void conn_ends(struct conn *conn, enum conn_end why);

/* Why the reply to this request has to be the last on its connection; END_OPEN: it hasn't. */
enum conn_end conn_last_why(const struct conn *conn, const struct request *request);

/* What the result of an op that ends the connection (0, or -errno) means. */
enum conn_end conn_failed_why(const struct conn *conn, ssize_t result);

/* Parses the head that is held, which has been whole before. */
void conn_held_request(const struct conn *conn, struct request *request);

/* Where somebody watches: the reply to what was asked has been queued. It is what the queue has been given since its
   `queued` was `first`. */
void conn_watch_reply(struct conn *conn, const struct asked *asked, const struct replied *replied, uint64_t first);

/* The rest does nothing where nobody watches. */

/* Whether one more exchange can be kept until it ends. */
bool conn_watch_room(const struct conn *conn);

/* Bytes have come, or left. */
void conn_watch_moved(const struct conn *conn, size_t received, size_t sent);

/* conn->sent bytes of the queue have left. */
void conn_watch_sent(struct conn *conn);

/* The queue is empty, or has been dropped: all exchanges have ended. */
void conn_watch_end(struct conn *conn);

/* The client has left before its request, which is held, was answered: STATUS_CLIENT_LEFT. */
void conn_watch_unanswered(struct conn *conn);

#endif
