/* The second byte's bounds shut out overlong forms, surrogates and what is beyond Unicode (RFC 3629 4). */
#include "base/utf8.h"

size_t utf8_next(struct slice s, uint32_t *code) {
    unsigned char first = (unsigned char)s.at[0], low = 0x80, high = 0xBF;
    size_t len = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    *code = UTF8_REPLACED;
    if (len == 0 || len > s.len)
        return 1;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    uint32_t value = len == 1 ? first : first & (0x7FU >> len);
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xBF) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < low || c > high)
            return 1;
        value = value << 6 | (c & 0x3F);
    }
    *code = value;
    return len;
}

size_t utf8_mark_len(struct slice s) {
    return slice_starts(s, SLICE("\xEF\xBB\xBF")) ? 3 : 0;
}
