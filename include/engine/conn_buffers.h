/* What a connection borrows while there is something in it: for conn.c. */
#ifndef CONN_BUFFERS_H
#define CONN_BUFFERS_H

#include <stddef.h>

struct conn;
struct outq;

void conn_release_in(struct conn *conn);
void conn_release_out(struct conn *conn);

/* Keeps for later a head of `head_len` bytes and the `rest_len` bytes at `rest`, one of which may be none. They may lie
   in `in` already, in this order. */
void conn_keep(struct conn *conn, const char *head, size_t head_len, const char *rest, size_t rest_len);

/* Adds to what is in `in`. */
void conn_append(struct conn *conn, const char *bytes, size_t len);

/* The output queue, borrowed if it isn't yet. */
struct outq *conn_outq(struct conn *conn);

#endif
