/* Text that grows, and how names are written into it: as markup, as JSON, as an address. A name is any bytes but '/'
   and NUL. What isn't UTF-8 in one shows as U+FFFD; only the address holds it exactly. */
#ifndef TEXT_H
#define TEXT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct text {
    char *at; /* malloc'd; the owner frees it */
    size_t len, space;
    bool failed; /* there was no memory: nothing more is written */
};

void text_put(struct text *text, const char *bytes, size_t len);
void text_put_string(struct text *text, const char *string);
void text_put_number(struct text *text, uint64_t number);

/* For an element's text and for attributes in quotes. Control characters show by their pictures. */
void text_put_html(struct text *text, struct slice name);

/* For the inside of a JSON string. */
void text_put_json(struct text *text, struct slice name);

/* Percent-encodes all but the unreserved characters (RFC 3986 2.3): each of the others is one that some program reads
   something into, and so no name can be taken for a scheme, a host, a query or a parameter. */
void text_put_address(struct text *text, struct slice name);

#endif
