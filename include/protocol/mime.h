/* Media types by file name extension. */
#ifndef MIME_H
#define MIME_H

#include "base/slice.h"

/* The Content-Type for a file name (or path), by its last extension, case-insensitively, with "; charset=utf-8"
   where text needs it; "application/octet-stream" for an unknown one or none. Static storage, NUL-terminated. */
const char *mime_type(struct slice name);

/* The last extension of a file name (or path), without its dot, in the name's own bytes; empty when there is none.
   A dot that begins a name makes it hidden and no extension: ".htaccess" has none, nor have "Makefile" and "a.". */
struct slice mime_extension(struct slice name);

/* Whether a media type without parameters is text by name and should say that it is UTF-8: text, JavaScript, JSON and
   XML, also as a suffix (RFC 6839). */
bool mime_wants_charset(struct slice type);

#endif
