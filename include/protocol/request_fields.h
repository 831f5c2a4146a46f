/* What the fields of a request head mean to the parser: names, and the values that decide where a request ends and whom
   it is for. Knows nothing of lines. */
#ifndef REQUEST_FIELDS_H
#define REQUEST_FIELDS_H

#include "protocol/request.h"

/* Compares without regard to case; `lower` is a literal of lower-case letters and hyphens, `name` a token. It only sets
   the bit that makes a letter lower case, which is exact: no other byte of a token becomes a letter or a hyphen by
   that. */
#define REQUEST_NAME_IS(name, lower)                                                                                   \
    ((name).len == sizeof(lower) - 1 && request_name_is((name).at, lower, sizeof(lower) - 1))

static inline uint64_t request_load_8(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t request_load_4(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Compares by words, the last of which may overlap the one before: `len` is a constant from 4 to 24, so this is a few
   instructions. */
static inline __attribute__((always_inline)) bool request_name_is(const char *at, const char *lower, size_t len) {
    const uint64_t bits = UINT64_C(0x2020202020202020);
    if (len < 8)
        return (((request_load_4(at) | (uint32_t)bits) ^ request_load_4(lower)) |
                ((request_load_4(at + len - 4) | (uint32_t)bits) ^ request_load_4(lower + len - 4))) == 0;
    uint64_t differ = ((request_load_8(at) | bits) ^ request_load_8(lower)) |
                      ((request_load_8(at + len - 8) | bits) ^ request_load_8(lower + len - 8));
    if (len > 16)
        differ |= (request_load_8(at + 8) | bits) ^ request_load_8(lower + 8);
    return differ == 0;
}

/* The field called `name`, which must be a token; FIELD_COUNT for one that httpd doesn't act on. */
static inline __attribute__((always_inline)) enum request_field request_field_named(struct slice name) {
    switch (name.len) {
    case 4:
        return REQUEST_NAME_IS(name, "host") ? FIELD_HOST : FIELD_COUNT;
    case 5:
        return REQUEST_NAME_IS(name, "range") ? FIELD_RANGE : FIELD_COUNT;
    case 6:
        return REQUEST_NAME_IS(name, "accept")   ? FIELD_ACCEPT
               : REQUEST_NAME_IS(name, "expect") ? FIELD_EXPECT
               : REQUEST_NAME_IS(name, "origin") ? FIELD_ORIGIN
                                                 : FIELD_COUNT;
    case 7:
        return REQUEST_NAME_IS(name, "referer") ? FIELD_REFERER : FIELD_COUNT;
    case 8:
        return REQUEST_NAME_IS(name, "if-range")   ? FIELD_IF_RANGE
               : REQUEST_NAME_IS(name, "if-match") ? FIELD_IF_MATCH
                                                   : FIELD_COUNT;
    case 9:
        return REQUEST_NAME_IS(name, "forwarded") ? FIELD_FORWARDED : FIELD_COUNT;
    case 10:
        return REQUEST_NAME_IS(name, "connection")   ? FIELD_CONNECTION
               : REQUEST_NAME_IS(name, "user-agent") ? FIELD_USER_AGENT
                                                     : FIELD_COUNT;
    case 13:
        return REQUEST_NAME_IS(name, "if-none-match")   ? FIELD_IF_NONE_MATCH
               : REQUEST_NAME_IS(name, "authorization") ? FIELD_AUTHORIZATION
                                                        : FIELD_COUNT;
    case 14:
        return REQUEST_NAME_IS(name, "content-length")   ? FIELD_CONTENT_LENGTH
               : REQUEST_NAME_IS(name, "sec-fetch-dest") ? FIELD_SEC_FETCH_DEST
               : REQUEST_NAME_IS(name, "sec-fetch-mode") ? FIELD_SEC_FETCH_MODE
                                                         : FIELD_COUNT;
    case 15:
        return REQUEST_NAME_IS(name, "accept-encoding")   ? FIELD_ACCEPT_ENCODING
               : REQUEST_NAME_IS(name, "x-forwarded-for") ? FIELD_X_FORWARDED_FOR
                                                          : FIELD_COUNT;
    case 17:
        return REQUEST_NAME_IS(name, "if-modified-since")   ? FIELD_IF_MODIFIED_SINCE
               : REQUEST_NAME_IS(name, "transfer-encoding") ? FIELD_TRANSFER_ENCODING
                                                            : FIELD_COUNT;
    case 19:
        return REQUEST_NAME_IS(name, "if-unmodified-since") ? FIELD_IF_UNMODIFIED_SINCE : FIELD_COUNT;
    default:
        return FIELD_COUNT;
    }
}

/* The length of a known name. The parser takes it from here although the colon has told it: the processor guesses the
   branches by which the name was recognised and begins on the value at once, where it would have to wait for the scan's
   result (a quarter of the time that a browser's request takes). */
static inline size_t request_field_name_len(enum request_field field) {
#define LEN(name) (sizeof(name) - 1)
    static const uint8_t lens[FIELD_COUNT] = {[FIELD_HOST] = LEN("host"),
                                              [FIELD_CONNECTION] = LEN("connection"),
                                              [FIELD_CONTENT_LENGTH] = LEN("content-length"),
                                              [FIELD_TRANSFER_ENCODING] = LEN("transfer-encoding"),
                                              [FIELD_EXPECT] = LEN("expect"),
                                              [FIELD_RANGE] = LEN("range"),
                                              [FIELD_IF_RANGE] = LEN("if-range"),
                                              [FIELD_IF_MATCH] = LEN("if-match"),
                                              [FIELD_IF_NONE_MATCH] = LEN("if-none-match"),
                                              [FIELD_IF_MODIFIED_SINCE] = LEN("if-modified-since"),
                                              [FIELD_IF_UNMODIFIED_SINCE] = LEN("if-unmodified-since"),
                                              [FIELD_ACCEPT] = LEN("accept"),
                                              [FIELD_ACCEPT_ENCODING] = LEN("accept-encoding"),
                                              [FIELD_AUTHORIZATION] = LEN("authorization"),
                                              [FIELD_USER_AGENT] = LEN("user-agent"),
                                              [FIELD_REFERER] = LEN("referer"),
                                              [FIELD_X_FORWARDED_FOR] = LEN("x-forwarded-for"),
                                              [FIELD_FORWARDED] = LEN("forwarded"),
                                              [FIELD_SEC_FETCH_DEST] = LEN("sec-fetch-dest"),
                                              [FIELD_SEC_FETCH_MODE] = LEN("sec-fetch-mode"),
                                              [FIELD_ORIGIN] = LEN("origin")};
#undef LEN
    return lens[field];
}

/* A second line of a field: 0 where that is allowed, or 400. */
int request_field_repeated(struct request *request, enum request_field field);

/* Judges a value that decides where the request ends, or which host it is for: 0, or the status to answer. */
int request_field_decide(struct request *request, enum request_field field, struct slice value);

/* Takes the trimmed value of one field line into the request, whose line is parsed. Returns 0 or the status to answer.
 */
static inline int request_field_take(struct request *request, enum request_field field, struct slice value) {
    const uint32_t decisive =
        1u << FIELD_HOST | 1u << FIELD_CONTENT_LENGTH | 1u << FIELD_TRANSFER_ENCODING | 1u << FIELD_EXPECT;
    if (request_has(request, field))
        return request_field_repeated(request, field);
    request->seen |= 1u << field;
    request->fields[field] = value;
    return decisive >> field & 1 ? request_field_decide(request, field, value) : 0;
}

/* Whether the connection may be kept, by the version and all Connection lines (request->lines is set). */
bool request_keep_alive(const struct request *request);

/* Whether `text` is uri-host [":" port] (RFC 9110 7.2) with a host that isn't empty and a port up to 65535. */
bool request_authority_valid(struct slice text);

#endif
