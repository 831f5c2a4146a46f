/* Searches for the first byte that doesn't belong: the parser's inner loops. Each looks at at..end, returns `end` when
   every byte belongs, and reads nothing outside of floor..end: `floor`, at or before `at`, lets the last few bytes be
   had by a load that overlaps what was seen before. On x86-64 by SSE2, which every such machine has; elsewhere, or with
   SCAN_PORTABLE defined, by words and bytes. AVX2 was measured and gains under 5 % on a browser's request. */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#define SCAN_SSE2
#include <emmintrin.h>
#endif

enum scan_class {
    SCAN_TOKEN = 1,   /* RFC 9110 5.6.2: tchar */
    SCAN_VALUE = 2,   /* RFC 9110 5.5: VCHAR, SP, HTAB, obs-text */
    SCAN_TARGET = 4,  /* what a request target may hold: see request.h */
    SCAN_REGNAME = 8, /* RFC 3986 3.2.2: unreserved and sub-delims, without the escapes */
    SCAN_HEX = 16,
};

extern const uint8_t scan_classes[256];

static inline bool scan_is(char c, enum scan_class class) {
    return scan_classes[(unsigned char)c] & class;
}

static inline bool scan_is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A byte at a time: for what is short or rare. */
static inline const char *scan_bytes(const char *at, const char *end, enum scan_class class) {
    while (at < end && scan_is(*at, class))
        at++;
    return at;
}

static inline const char *scan_path_bytes(const char *at, const char *end, bool *odd) {
    for (; at < end && *at != '?' && scan_is(*at, SCAN_TARGET); at++)
        if (*at == '%' || (*at == '/' && end - at > 1 && (at[1] == '/' || at[1] == '.')))
            *odd = true;
    return at;
}

#ifdef SCAN_SSE2

/* Sixteen bytes at a time. A mask has a bit for each byte, the first byte's lowest. When fewer than sixteen are left,
   the load ends with the last of them, and what it has of earlier bytes is shifted out of the mask. */

static inline __m128i scan_load(const char *at) {
    return _mm_loadu_si128((const void *)at);
}

static inline __m128i scan_eq(__m128i bytes, char c) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* Unsigned, byte <= last. */
static inline __m128i scan_upto(__m128i bytes, char last) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(last)), bytes);
}

/* Unsigned, first <= byte <= last. */
static inline __m128i scan_between(__m128i bytes, char first, char last) {
    return scan_upto(_mm_sub_epi8(bytes, _mm_set1_epi8(first)), (char)(last - first));
}

static inline unsigned scan_mask(__m128i lanes) {
    return (unsigned)_mm_movemask_epi8(lanes);
}

static inline const char *scan_first(const char *at, unsigned stops) {
    return at + (unsigned)__builtin_ctz(stops);
}

/* What a field value may not hold. The tab, which it may, is looked for only where something was found. */
static inline unsigned scan_value_stops(__m128i bytes) {
    unsigned controls = scan_mask(_mm_or_si128(scan_upto(bytes, 0x1f), scan_eq(bytes, 0x7f)));
    return controls ? controls & ~scan_mask(scan_eq(bytes, '\t')) : 0;
}

/* What isn't a letter, digit, hyphen or dot. */
static inline unsigned scan_word_stops(__m128i bytes) {
    __m128i letter = scan_between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i digit = scan_between(bytes, '0', '9');
    __m128i joint = scan_between(bytes, '-', '.');
    return scan_mask(_mm_or_si128(_mm_or_si128(letter, digit), joint)) ^ 0xffff;
}

static inline unsigned scan_target_stops(__m128i bytes) {
    __m128i angle = scan_eq(_mm_and_si128(bytes, _mm_set1_epi8((char)~2)), '<'); /* takes '>' for '<' */
    __m128i stops = _mm_or_si128(scan_upto(bytes, ' '), scan_between(bytes, '"', '#'));
    return scan_mask(_mm_or_si128(stops, _mm_or_si128(angle, scan_eq(bytes, 0x7f))));
}

static inline const char *scan_value(const char *floor, const char *at, const char *end) {
    if (end - floor < 16)
        return scan_bytes(at, end, SCAN_VALUE);
    const char *last = end - 16;
    for (; at <= last; at += 16) {
        unsigned stops = scan_value_stops(scan_load(at));
        if (stops)
            return scan_first(at, stops);
    }
    if (at == end)
        return end;
    unsigned stops = scan_value_stops(scan_load(last)) >> (at - last);
    return stops ? scan_first(at, stops) : end;
}

/* Letters, digits, hyphens and dots, of which nearly all tokens and hosts consist. May stop early. */
static inline const char *scan_word(const char *floor, const char *at, const char *end) {
    for (; end - at >= 16; at += 16) {
        unsigned stops = scan_word_stops(scan_load(at));
        if (stops)
            return scan_first(at, stops);
    }
    if (at == end || end - floor < 16)
        return at;
    unsigned stops = scan_word_stops(scan_load(end - 16)) >> (16 - (end - at));
    return stops ? scan_first(at, stops) : end;
}

static inline const char *scan_target(const char *at, const char *end) {
    for (; end - at >= 16; at += 16) {
        unsigned stops = scan_target_stops(scan_load(at));
        if (stops)
            return scan_first(at, stops);
    }
    return scan_bytes(at, end, SCAN_TARGET);
}

/* A path, up to '?' or whatever may not stand in a target. *odd, false before, is set when the path may not be plain
   (see path.h): there is an escape, "//" or "/.". May be set without need. */
static inline const char *scan_path(const char *at, const char *end, bool *odd) {
    unsigned after_slash = 0, oddities = 0;
    for (; end - at >= 16; at += 16) {
        __m128i bytes = scan_load(at), slash = scan_eq(bytes, '/');
        unsigned stops = scan_target_stops(bytes) | scan_mask(scan_eq(bytes, '?')), slashes = scan_mask(slash);
        unsigned seconds = scan_mask(_mm_or_si128(slash, scan_eq(bytes, '.')));
        unsigned found = ((slashes << 1 | after_slash) & seconds) | scan_mask(scan_eq(bytes, '%'));
        if (stops) {
            *odd = oddities | (found & (stops - 1) & ~stops); /* those before the first stop */
            return scan_first(at, stops);
        }
        oddities |= found;
        after_slash = slashes >> 15;
    }
    *odd = true;
    return scan_path_bytes(at, end, odd);
}

#else

static inline uint64_t scan_load(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline const char *scan_value(const char *floor, const char *at, const char *end) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    (void)floor;
    for (; end - at >= 8; at += 8) {
        uint64_t word = scan_load(at), low = (word - ones * 0x20) & ~word;
        uint64_t del = ((word ^ ones * 0x7f) - ones) & ~word;
        if (!((low | del) & highs))
            continue;
        for (int i = 0; i < 8; i++) /* it may be a tab, or an innocent that was borrowed from; never is one missed */
            if (!scan_is(at[i], SCAN_VALUE))
                return at + i;
    }
    return scan_bytes(at, end, SCAN_VALUE);
}

static inline const char *scan_word(const char *floor, const char *at, const char *end) {
    (void)floor;
    while (at < end && scan_is(*at, SCAN_TOKEN) && scan_is(*at, SCAN_REGNAME) && *at != '%')
        at++;
    return at;
}

static inline const char *scan_target(const char *at, const char *end) {
    return scan_bytes(at, end, SCAN_TARGET);
}

static inline const char *scan_path(const char *at, const char *end, bool *odd) {
    return scan_path_bytes(at, end, odd);
}

#endif

static inline const char *scan_token(const char *floor, const char *at, const char *end) {
    at = scan_word(floor, at, end);
    return at < end && *at == ':' ? at : scan_bytes(at, end, SCAN_TOKEN);
}

#endif
