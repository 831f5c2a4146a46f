/* What a file's name says of its content: the media type, and the coding it is in. */
#ifndef MIME_H
#define MIME_H

#include "base/slice.h"
#include "protocol/accept_encoding.h"

/* The Content-Type for a file name (or path), by its last extension or, without one, by the whole name (README),
   case-insensitively, with "; charset=utf-8" where text needs it. NULL for what isn't known. Static storage,
   NUL-terminated. */
const char *mime_type(struct slice name);

/* The coding that a file's content is in by its name, and is to be declared as although the file is asked for as it is:
   gzip of .svgz, and of .gz and .br (br) behind what a page loads by that very name, as Unity's builds do: .js, .mjs,
   .css, .wasm, .data, .symbols.json. `*inner` is the name that tells the type of what is inside. Any other .gz or .br
   is a file to be kept as it is, such as .tar.gz or .json.gz: CODING_IDENTITY, and `*inner` is the name. */
enum content_coding mime_coding(struct slice name, struct slice *inner);

/* The last extension of a file name (or path), without its dot, in the name's own bytes; empty when there is none.
   A dot that begins a name makes it hidden and no extension: ".htaccess" has none, nor have "Makefile" and "a.". */
struct slice mime_extension(struct slice name);

/* Whether a media type is text by name and should say that it is UTF-8: text, JavaScript and JSON, also as a suffix
   (RFC 6839), without parameters. Not XML: it is UTF-8 unless it says otherwise itself, which "charset" would override
   (RFC 7303 3.2). */
bool mime_wants_charset(struct slice type);

#endif
