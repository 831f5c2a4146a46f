/* reply - a strict reader of HTTP/1.1 replies.
 *
 * It forgives nothing that RFC 9112 doesn't allow a server to send, and knows no sockets: it is given bytes and says
 * whether they hold a whole reply. */
#ifndef TEST_REPLY_H
#define TEST_REPLY_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REPLY_FIELDS_MAX = 64,
    REPLY_BODY_MAX = 8 << 20, /* so that a wrong answer can't take all memory */
};

struct reply_field {
    const char *name;
    const char *value;
};

struct reply {
    int status;
    size_t field_count;
    struct reply_field fields[REPLY_FIELDS_MAX];
    struct bytes head; /* as it came, its empty line included */
    struct bytes body;
    struct bytes text; /* the head cut into the strings above */
};

enum reply_progress { REPLY_PARTIAL, REPLY_WHOLE, REPLY_BROKEN };

/* Reads a reply from the start of the bytes. to_head: it answers a HEAD request and has no body. REPLY_WHOLE: *used
 * bytes belong to it, and the reply owns memory until reply_free. REPLY_BROKEN: *why says what is wrong. */
enum reply_progress reply_parse(struct reply *, const char *at, size_t len, bool to_head, size_t *used,
                                const char **why);
void reply_free(struct reply *);

/* The value of the only field of that name (in any case), NULL without one. */
const char *reply_field(const struct reply *, const char *name);
/* The same with "" instead of NULL. */
const char *reply_field_text(const struct reply *, const char *name);
size_t reply_field_count(const struct reply *, const char *name);

/* Appends the reply with the values that may differ between two equal answers blanked: Date's value and the boundary
 * of a multipart body. */
void reply_transcribe(const struct reply *, struct bytes *);

#endif
