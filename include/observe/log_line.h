/* Lines of the access log: what is kept of a request until its reply has left, and the line that is made of it then. */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include "base/address.h"
#include "base/clock.h"
#include "engine/watch.h"
#include "observe/log_format.h"

/* Where lines are made, one at a time. What is the same for many is kept: the time for a second, an address. */
struct log_line {
    int64_t seconds;
    char local[26], iso8601[25], clock[8];
    struct address address;
    char address_text[ADDRESS_TEXT_MAX];
    size_t address_len;
    char at[LOG_LINE_MAX];
};

/* Whose request it is, besides what is asked. */
struct log_asker {
    uint64_t connection; /* its number */
    uint64_t requests;   /* on it so far, this one included */
};

/* No more than this is kept of a request whose head is at most head_max. */
size_t log_line_keep_max(size_t head_max);

/* Keeps what the format wants at `kept`, which is aligned for any type. Returns how many bytes, at most
   log_line_keep_max(). The format must outlive them. */
size_t log_line_keep(const struct log_format *format, const struct asked *asked, const struct log_asker *asker,
                     char *kept);

void log_line_init(struct log_line *line);

/* Makes the line, which ends in "\n", of the bytes that were kept, in line->at. Returns its length. */
size_t log_line_make(struct log_line *line, const struct exchange *exchange, int64_t seconds, uint64_t took_ns,
                     const char *bytes);

#endif
