/* A run of bytes that somebody else owns. Not terminated; `at` may be NULL when `len` is 0. */
#ifndef SLICE_H
#define SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *at;
    size_t len;
};

#define SLICE(literal) ((struct slice){("" literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII only: field names, tokens and date names are ASCII by the RFC, and a locale must not change what they match. */
static inline char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool slice_equal_nocase(struct slice a, struct slice b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

static inline bool slice_starts(struct slice s, struct slice prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice suffix) {
    return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.at + s.len - suffix.len, suffix.at, suffix.len) == 0);
}

static inline struct slice slice_from(struct slice s, size_t first) {
    return (struct slice){s.at + first, s.len - first};
}

/* Optional whitespace as in RFC 9110 5.6.3: spaces and tabs, nothing else. */
static inline struct slice slice_trim(struct slice s) {
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s.at++, s.len--;
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Takes the next non-empty element off a comma-separated list (RFC 9110 5.6.1); false when there is none left.
   Not for lists whose elements may hold commas inside quotes. */
static inline bool slice_next_element(struct slice *list, struct slice *element) {
    while (list->len > 0) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t len = comma ? (size_t)(comma - list->at) : list->len;
        *element = slice_trim((struct slice){list->at, len});
        *list = slice_from(*list, comma ? len + 1 : len);
        if (element->len > 0)
            return true;
    }
    return false;
}

/* Control bytes, which do something on a terminal, or end a line, rather than show. */
static inline bool ascii_is_control(char c) {
    return (unsigned char)c < ' ' || c == 0x7f;
}

#endif
