/* client - one TCP connection to the server under test. Every wait is bounded.
 *
 * Functions that can fail return 0 or more, or -errno; -ETIMEDOUT when the server let us wait too long. */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include "bytes.h"
#include "reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct client {
    int fd;
    int wait_ms;     /* patience for each wait; client_open sets CLIENT_WAIT_MS */
    struct bytes in; /* received and not yet read as a reply */
};

enum { CLIENT_WAIT_MS = 10000 };

/* Connects to 127.0.0.1. receive_buffer: SO_RCVBUF, 0 for the kernel's choice. */
int client_open(struct client *, int port, int receive_buffer);
void client_close(struct client *);

/* Sends everything, unless the server closes first: -EPIPE or -ECONNRESET. */
int client_send(struct client *, const char *at, size_t len);
int client_send_text(struct client *, const char *text);

/* Sends the bytes in several segments, one beginning at each cut; cuts are ascending. After each segment the server
 * gets a moment to react to it. */
int client_send_cut(struct client *, const char *at, size_t len, const size_t cuts[], size_t cut_count);

/* No more will be sent (a half-close). */
void client_finish(struct client *);

/* Receives whatever is there next into client->in, at most at_most bytes: their number, or 0 at the end. */
ssize_t client_receive(struct client *, size_t at_most);

/* Reads the next reply. 1: there it is, to be freed with reply_free. 0: the server closed properly before its first
 * byte. Otherwise -errno, -EPROTO for a broken reply and -EPIPE for one cut short; *why says more. */
int client_reply(struct client *, bool to_head, struct reply *, const char **why);

/* Waits for the end of the connection and drops nothing: 0 when it ended without another byte, -EPROTO when bytes came,
 * -ECONNRESET when it was reset. */
int client_await_end(struct client *);

#endif
