/* expand - replaces the marks of row.h in requests and expectations. */
#ifndef TEST_EXPAND_H
#define TEST_EXPAND_H

#include "bytes.h"

/* Appends the text with its marks replaced; port is where a server tells its ETags. */
void expand(struct bytes *to, const char *text, size_t len, int port);

#endif
