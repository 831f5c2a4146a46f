/* A state per kind of byte that may come next; content is skipped in runs, framing is judged byte by byte. The verdict
   depends only on the bytes before it, so it is the same however they are split. */
#include "protocol/body.h"

#include "base/bounds.h"
#include "protocol/scan.h"

enum state {
    WHOLE,
    CONTENT,    /* `left` bytes of a body with a length */
    SIZE_FIRST, /* chunk-size needs one digit */
    SIZE,
    SIZE_BLANK, /* white space after the size, which only an extension may follow */
    EXTENSION,
    SIZE_LF,
    CHUNK, /* `left` bytes of chunk-data */
    CHUNK_CR,
    CHUNK_LF,
    TRAILER, /* at the first byte of a line of the trailer section, or of the empty line after it */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
};

enum { REFUSED = -1 };

void body_init(struct body *body, const struct request *request) {
    *body = (struct body){.state = WHOLE};
    if (request->body == BODY_CHUNKED)
        body->state = SIZE_FIRST;
    else if (request->body == BODY_LENGTH && request->body_len > 0)
        body->state = CONTENT, body->left = request->body_len;
}

static unsigned hex_value(char c) {
    return scan_is_digit(c) ? (unsigned)(c - '0') : (unsigned)(ascii_lower(c) - 'a') + 10;
}

static int take_digit(struct body *body, char c) {
    if (!scan_is(c, SCAN_HEX) || body->left > UINT64_MAX >> 4)
        return REFUSED;
    body->left = body->left << 4 | hex_value(c);
    return SIZE;
}

/* The line of a chunk's size (RFC 9112 7.1): the state after `c`, or REFUSED. Of an extension only the bytes are
   judged: httpd knows none, and none can end the line. */
static int next_in_size(struct body *body, char c) {
    bool blank = c == ' ' || c == '\t';
    switch (body->state) {
    case SIZE_FIRST:
        return take_digit(body, c);
    case SIZE:
        if (!blank && c != ';' && c != '\r')
            return take_digit(body, c);
        return blank ? SIZE_BLANK : c == ';' ? EXTENSION : SIZE_LF;
    case SIZE_BLANK:
        return blank ? SIZE_BLANK : c == ';' ? EXTENSION : REFUSED;
    case EXTENSION:
        return c == '\r' ? SIZE_LF : scan_is(c, SCAN_VALUE) ? EXTENSION : REFUSED;
    default: /* SIZE_LF */
        return c != '\n' ? REFUSED : body->left > 0 ? CHUNK : TRAILER;
    }
}

/* The trailer section (RFC 9112 7.1.2), with the rules of a head's field lines. */
static int next_in_trailer(const struct body *body, char c) {
    switch (body->state) {
    case TRAILER:
        return c == '\r' ? LAST_LF : scan_is(c, SCAN_TOKEN) ? TRAILER_NAME : REFUSED;
    case TRAILER_NAME:
        return c == ':' ? TRAILER_VALUE : scan_is(c, SCAN_TOKEN) ? TRAILER_NAME : REFUSED;
    case TRAILER_VALUE:
        return c == '\r' ? TRAILER_LF : scan_is(c, SCAN_VALUE) ? TRAILER_VALUE : REFUSED;
    case TRAILER_LF:
        return c == '\n' ? TRAILER : REFUSED;
    default: /* LAST_LF */
        return c == '\n' ? WHOLE : REFUSED;
    }
}

/* A byte of framing: 0, or 400. */
static int take_framing(struct body *body, char c) {
    unsigned line_max = body->state < CHUNK ? CHUNK_LINE_MAX : TRAILER_MAX;
    int next;
    if (body->state == CHUNK_CR)
        next = c == '\r' ? CHUNK_LF : REFUSED;
    else if (body->state == CHUNK_LF)
        next = c == '\n' ? SIZE_FIRST : REFUSED;
    else
        next = body->state < CHUNK ? next_in_size(body, c) : next_in_trailer(body, c);
    if (next == REFUSED || ++body->line_len > line_max)
        return 400;
    if (body->state == SIZE_LF || next == SIZE_FIRST) /* a trailer section or the next size is counted anew */
        body->line_len = 0;
    body->state = (uint8_t)next;
    return 0;
}

/* All of the bytes, which are within the limit, or up to the end of the body. */
static int take_bytes(struct body *body, const char *bytes, size_t len, size_t *used) {
    while (body->state != WHOLE) {
        if (*used == len)
            return REQUEST_INCOMPLETE;
        if (body->state == CONTENT || body->state == CHUNK) {
            size_t run = len - *used < body->left ? len - *used : (size_t)body->left;
            *used += run;
            body->left -= run;
            if (body->left == 0)
                body->state = body->state == CONTENT ? WHOLE : CHUNK_CR;
        } else {
            if (take_framing(body, bytes[*used]) != 0)
                return 400;
            ++*used;
        }
    }
    return 0;
}

int body_discard(struct body *body, const char *bytes, size_t len, size_t *used) {
    size_t room = BODY_DISCARD_MAX - body->discarded;
    *used = 0;
    int status = take_bytes(body, bytes, len < room ? len : room, used);
    body->discarded += (uint32_t)*used;
    return status == REQUEST_INCOMPLETE && len > room ? 413 : status;
}

bool body_too_long(const struct request *request) {
    return request->body == BODY_LENGTH && request->body_len > BODY_DISCARD_MAX;
}
