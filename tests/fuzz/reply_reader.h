/* A strict reader of replies in memory: what it takes, RFC 9112 lets a server send, and httpd says it sends. */
#ifndef REPLY_READER_H
#define REPLY_READER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct reply {
    int status;
    bool close;        /* Connection: close */
    struct slice head; /* the field lines */
    struct slice body;
    uint64_t content_len; /* as Content-Length says */
};

enum reply_progress { REPLY_PARTIAL, REPLY_WHOLE };

/* Reads the reply at the start of the bytes, to a HEAD request or another. A broken one is a CHECK. *used: its bytes.
 */
enum reply_progress reply_read(struct slice bytes, bool to_head, struct reply *reply, size_t *used);

/* The value of a field; false when it isn't there. Twice is a CHECK. */
bool reply_field(const struct reply *reply, const char *name, struct slice *value);

/* Whether two replies say the same, Date and Connection aside. */
bool reply_same(const struct reply *a, const struct reply *b);

#endif
