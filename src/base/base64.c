#include "base/base64.h"

#include <stdint.h>

bool base64_decode(struct slice text, char *out, size_t size, size_t *len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = slice_ends(text, SLICE("==")) ? 2 : slice_ends(text, SLICE("=")) ? 1 : 0;
    uint32_t bits = 0;
    int bit_count = 0;
    *len = 0;
    if (text.len == 0 || text.len % 4 != 0 || text.len / 4 * 3 > size)
        return false;
    for (size_t i = 0; i < text.len - padding; i++) {
        const char *digit = memchr(digits, text.at[i], sizeof digits - 1);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[(*len)++] = (char)(bits >> bit_count);
        bits &= (1u << bit_count) - 1;
    }
    return bits == 0;
}
