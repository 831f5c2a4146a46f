/* The reader of texts in the style of /etc/mime.types. */
#ifndef MIME_TYPES_H
#define MIME_TYPES_H

#include "base/slice.h"

/* Whether `type` is a type and a subtype, both tokens, without parameters (RFC 9110 8.3.1). */
bool mime_types_valid(struct slice type);

/* Walks a text in the style of /etc/mime.types (lines of a type and its extensions; # begins a comment) by one pair
   per call; false at the end. Begin with `*text` the whole and `*type` empty: both carry the place from call to call.
   The slices point into the text. A type may have parameters, without blanks: "text/html;charset=iso-8859-1". A line
   with anything in it that isn't a type or an extension is skipped whole. */
bool mime_types_next(struct slice *text, struct slice *type, struct slice *extension);

#endif
