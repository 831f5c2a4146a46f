/* The buffers that a connection borrows from its env while there is something in them: for conn.c. There is one of each
   for each connection, so none of this can fail. */
#ifndef CONN_BUFFERS_H
#define CONN_BUFFERS_H

#include <stddef.h>

struct conn;
struct outq;

/* Give back the input, with the head that is held in it; and the output queue, with what it holds. If there is none,
   nothing happens. */
void conn_release_in(struct conn *conn);
void conn_release_out(struct conn *conn);

/* Makes `in` hold a head of `head_len` bytes and behind it the `rest_len` bytes at `rest`; one of the lengths may be 0.
   Either may lie in `in` already, in this order. */
void conn_keep(struct conn *conn, const char *head, size_t head_len, const char *rest, size_t rest_len);

/* Adds to what is in `in`. */
void conn_append(struct conn *conn, const char *bytes, size_t len);

/* The output queue; an empty one is borrowed if there is none. */
struct outq *conn_outq(struct conn *conn);

#endif
