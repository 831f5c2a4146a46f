/* The path of a request target, decoded and normalised: what is asked of the file system. */
#ifndef PATH_H
#define PATH_H

#include "base/bounds.h"
#include "base/slice.h"

/* Decodes `raw` (the target's path: begins with '/', no query) once into `out`, removes "." and empty segments and
   resolves ".." before any file system is asked (RFC 3986 5.2.4, except that ".." above the root is an error here). An
   encoded slash is a separator like any other: npm asks for "/@scope%2fname", and no file's name could hold it.
   The result has no leading slash ("" is the root itself), keeps one trailing slash when the path names a folder
   ("a/", also for "a/." and "a/b/.."), is NUL-terminated and at most PATH_LEN_MAX bytes.
   Returns 0 and sets *len; or the status to answer: 400 for a malformed escape, an encoded NUL or ".." above the root;
   414 for a path too long. `out` has room for PATH_LEN_MAX + 1 bytes. */
int path_decode(struct slice raw, char *out, size_t *len);

/* Whether `raw` is its own decoded form but for the leading slash: no escape, no empty, "." or ".." segment. */
bool path_is_plain(struct slice raw);

/* Whether any segment of a decoded path begins with a dot, ".well-known" as the first segment excepted (RFC 8615). */
bool path_has_dotfile(struct slice path);

/* Percent-encodes `path` into `out` for a Location or a link: unreserved characters, '/' and sub-delims that are safe
   in a path stay; everything else becomes %XX. Returns the length, or 0 when it doesn't fit in `size`. */
size_t path_encode(struct slice path, char *out, size_t size);

#endif
