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
    SIZE_BLANK, /* white space after the size or an extension, which only another extension may follow */
    EXT_FIRST,  /* the name of an extension needs one token character */
    EXT_NAME,
    EXT_BLANK, /* white space after the name, which only a value or another extension may follow */
    EXT_VALUE_FIRST,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_ESCAPED,
    EXT_END, /* behind the closing quote */
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

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* What may come where the size or an extension may end. */
static int next_after(char c) {
    return is_blank(c) ? SIZE_BLANK : c == ';' ? EXT_FIRST : c == '\r' ? SIZE_LF : REFUSED;
}

/* A chunk's extensions (RFC 9112 7.1.1), of which httpd knows none. */
static int next_in_extension(const struct body *body, char c) {
    bool token = scan_is(c, SCAN_TOKEN);
    switch (body->state) {
    case EXT_FIRST:
        return token ? EXT_NAME : is_blank(c) ? EXT_FIRST : REFUSED;
    case EXT_NAME:
        return token ? EXT_NAME : is_blank(c) ? EXT_BLANK : c == '=' ? EXT_VALUE_FIRST : next_after(c);
    case EXT_BLANK:
        return is_blank(c) ? EXT_BLANK : c == '=' ? EXT_VALUE_FIRST : c == ';' ? EXT_FIRST : REFUSED;
    case EXT_VALUE_FIRST:
        return token ? EXT_VALUE : is_blank(c) ? EXT_VALUE_FIRST : c == '"' ? EXT_QUOTED : REFUSED;
    case EXT_VALUE:
        return token ? EXT_VALUE : next_after(c);
    case EXT_QUOTED:
        return c == '"' ? EXT_END : c == '\\' ? EXT_ESCAPED : scan_is(c, SCAN_VALUE) ? EXT_QUOTED : REFUSED;
    case EXT_ESCAPED:
        return scan_is(c, SCAN_VALUE) ? EXT_QUOTED : REFUSED;
    default: /* EXT_END */
        return next_after(c);
    }
}

/* The line of a chunk's size (RFC 9112 7.1): the state after `c`, or REFUSED. */
static int next_in_size(struct body *body, char c) {
    switch (body->state) {
    case SIZE_FIRST:
        return take_digit(body, c);
    case SIZE:
        return is_blank(c) || c == ';' || c == '\r' ? next_after(c) : take_digit(body, c);
    case SIZE_BLANK:
        return is_blank(c) ? SIZE_BLANK : c == ';' ? EXT_FIRST : REFUSED;
    case SIZE_LF:
        return c != '\n' ? REFUSED : body->left > 0 ? CHUNK : TRAILER;
    default:
        return next_in_extension(body, c);
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
