/* RFC 9110 section 14.6 and RFC 2046 section 5.1: nothing but the parts, their delimiters, and a preamble of at most
 * one line end. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static bool take(struct cursor *cursor, const char *text, size_t len) {
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, text, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static bool take_text(struct cursor *cursor, const char *text) {
    return take(cursor, text, strlen(text));
}

/* A boundary may come quoted; ours has at most 70 characters of those that need no quotes. */
static bool find_boundary(const struct reply *reply, char delimiter[80]) {
    const char *type = reply_field(reply, "Content-Type");
    const char *boundary = type ? strstr(type, "multipart/byteranges; boundary=") : NULL;
    if (boundary != type || !boundary)
        return false;
    boundary += strlen("multipart/byteranges; boundary=");
    size_t len = strspn(boundary, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'_-.+");
    if (len == 0 || len > 70 || boundary[len])
        return false;
    snprintf(delimiter, 80, "--%s", boundary);
    return true;
}

/* The head of a part: exactly the two fields that the whole representation would have had, in any order. */
static bool take_part_head(struct cursor *cursor, unsigned first, unsigned last) {
    char range[80];
    snprintf(range, sizeof range, "Content-Range: bytes %u-%u/%zu\r\n", first, last, strlen(ALPHABET));
    static const char type[] = "Content-Type: text/plain; charset=utf-8\r\n";
    bool ordered = take_text(cursor, type) && take_text(cursor, range);
    return (ordered || (take_text(cursor, range) && take_text(cursor, type))) && take_text(cursor, "\r\n");
}

void check_parts(const struct reply *reply, const char *ranges, struct bytes *faults) {
    char delimiter[80];
    if (!find_boundary(reply, delimiter)) {
        bytes_addf(faults, "Content-Type names no multipart/byteranges with a plain boundary; ");
        return;
    }
    struct cursor cursor = {.at = reply->body.at, .end = reply->body.at + reply->body.len};
    take_text(&cursor, "\r\n");
    while (*ranges) {
        char *rest;
        unsigned first = (unsigned)strtoul(ranges, &rest, 10);
        unsigned last = (unsigned)strtoul(rest + 1, &rest, 10);
        ranges = rest + strspn(rest, " ");
        if (!take_text(&cursor, delimiter) || !take_text(&cursor, "\r\n") || !take_part_head(&cursor, first, last) ||
            !take(&cursor, &ALPHABET[first], last - first + 1) || !take_text(&cursor, "\r\n")) {
            bytes_addf(faults, "part %u-%u is not in its place, or wrong; ", first, last);
            return;
        }
    }
    if (!take_text(&cursor, delimiter) || !take_text(&cursor, "--"))
        bytes_addf(faults, "there is no closing delimiter after the last part; ");
    take_text(&cursor, "\r\n");
    if (cursor.at != cursor.end)
        bytes_addf(faults, "there is something after the closing delimiter; ");
}
