/* Media types from a file in the style of /etc/mime.types, on top of the built-in table. Read once; look-ups allocate
   nothing, and may be made from any thread. */
#ifndef MIME_MAP_H
#define MIME_MAP_H

#include "base/slice.h"

#include <stddef.h>

/* Bytes of the longest Content-Type. The longest registered type has 83; each part of a multipart reply repeats it. */
enum { MIME_TYPE_LEN_MAX = 142 };

struct mime_map;

/* Reads the file. Where it names an extension twice, the later line holds. NULL, with one line in `error` that names
   the file and what is wrong, when it can't be read or holds no type. */
struct mime_map *mime_map_open(const char *path, char *error, size_t error_size);
void mime_map_close(struct mime_map *map);

/* The Content-Type for a file name (or path) as the file has it, "; charset=utf-8" added where text without parameters
   needs it; what the file doesn't name is as mime_type() says, NULL included. At most MIME_TYPE_LEN_MAX bytes. Lives as
   long as the map, NUL-terminated. `map` may be NULL: the built-in table alone. */
const char *mime_map_type(const struct mime_map *map, struct slice name);

/* Whether the extension of a file name (or path) is one that the file or the built-in table names. */
bool mime_map_knows(const struct mime_map *map, struct slice name);

#endif
