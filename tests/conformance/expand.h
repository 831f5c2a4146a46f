/* expand - replaces the marks of row.h in requests and expectations. */
#ifndef TEST_EXPAND_H
#define TEST_EXPAND_H

#include "bytes.h"

enum { TAGS_MAX = 64 };

/* The entity tags that one server has told so far. Each is asked for once, by a connection of its own, so that later
 * expansions of the same mark touch no server. */
struct tags {
    int port;
    size_t count;
    struct {
        struct bytes mark;
        struct bytes value;
    } known[TAGS_MAX];
};

void tags_free(struct tags *);

/* Appends the text with its marks replaced. */
void expand(struct bytes *to, const char *text, size_t len, struct tags *);

#endif
