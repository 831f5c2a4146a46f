/* How bytes that a client chose stand in a line of a log: so that no line is forged, broken or, shown on a terminal,
   does anything there. */
#ifndef LOG_ESCAPE_H
#define LOG_ESCAPE_H

#include "base/slice.h"

enum log_escape {
    LOG_ESCAPE_TEXT, /* as nginx does: control bytes, '"', '\\' and all above '~' are \xHH */
    LOG_ESCAPE_WORD, /* likewise, and what separates the fields of a line that stand in no quotes: ' ', '[', ']' */
    LOG_ESCAPE_JSON, /* the inside of a JSON string; a byte that isn't UTF-8 is the character of its number, \u00HH */
};

/* At least this much room is needed to write anything. */
enum { LOG_ESCAPE_LEAST = 16 };

/* Writes the value to at most `room` bytes at `out`; what is cut for want of room ends in "...", never within an escape
   or a character. Returns the end. */
char *log_escape(char *out, size_t room, struct slice value, enum log_escape how);

#endif
