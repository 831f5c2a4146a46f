/* Nearly all bytes stand for themselves: they are looked at eight at a time, and copied so. */
#include "observe/log_escape.h"
#include "base/copy.h"
#include "base/utf8.h"

#include <stdint.h>

enum { STEP_MAX = 8, DOTS = 3 }; /* what is written at a time, at most; "..." */

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

static uint64_t has_zero(uint64_t bytes) {
    return (bytes - BYTES(1)) & ~bytes & BYTES(0x80);
}

/* Whether all eight are from ' ' to '~' and neither '"' nor '\\'; sometimes it says no to such that are. */
static bool are_plain(uint64_t bytes) {
    uint64_t low = (bytes - BYTES(' ')) & ~bytes, high = bytes | (bytes + BYTES(1));
    return (((low | high) & BYTES(0x80)) | has_zero(bytes ^ BYTES('"')) | has_zero(bytes ^ BYTES('\\'))) == 0;
}

/* Each of 1 to 8 bytes, in whatever order and some of them twice; where they are few, '0' besides. */
static uint64_t bytes_of(const char *at, size_t len) {
    uint64_t bytes;
    uint32_t first, last;
    if (len == sizeof bytes) {
        memcpy(&bytes, at, sizeof bytes);
        return bytes;
    }
    if (len < sizeof first)
        return BYTES('0') << 24 | (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[len / 2] << 8 |
               (unsigned char)at[len - 1];
    memcpy(&first, at, sizeof first);
    memcpy(&last, at + len - sizeof last, sizeof last);
    return (uint64_t)last << 32 | first;
}

static bool is_plain(unsigned char c, enum log_escape how) {
    if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
        return false;
    return how != LOG_ESCAPE_WORD || (c != ' ' && c != '[' && c != ']');
}

static char *put_hex(char *out, const char *before, size_t before_len, unsigned char c) {
    static const char digits[] = "0123456789ABCDEF";
    memcpy(out, before, before_len);
    out[before_len] = digits[c >> 4];
    out[before_len + 1] = digits[c & 15];
    return out + before_len + 2;
}

/* Writes the first character of what isn't plain, and steps over it. */
static char *put_json(char *out, struct slice *value) {
    unsigned char c = (unsigned char)value->at[0];
    uint32_t code;
    size_t len = utf8_next(*value, &code);
    if (c == '"' || c == '\\') {
        *out++ = '\\';
        *out++ = (char)c;
    } else if (len == 1) { /* a control byte, or one that isn't UTF-8 */
        out = put_hex(out, "\\u00", 4, c);
    } else if (code < 0xA0) { /* C1 controls, which terminals know */
        out = put_hex(out, "\\u00", 4, (unsigned char)code);
    } else {
        memcpy(out, value->at, len);
        out += len;
    }
    *value = slice_from(*value, len);
    return out;
}

char *log_escape(char *out, size_t room, struct slice value, enum log_escape how) {
    const char *last = out + room - STEP_MAX - DOTS; /* whatever comes next fits */
    while (value.len > 0 && out <= last) {
        size_t step = value.len < STEP_MAX ? value.len : STEP_MAX;
        if (how != LOG_ESCAPE_WORD && are_plain(bytes_of(value.at, step))) {
            copy_short(out, value.at, step);
            out += step;
            value = slice_from(value, step);
            continue;
        }
        unsigned char c = (unsigned char)value.at[0];
        if (!is_plain(c, how) && how == LOG_ESCAPE_JSON) {
            out = put_json(out, &value);
            continue;
        }
        if (is_plain(c, how))
            *out++ = (char)c;
        else
            out = put_hex(out, "\\x", 2, c);
        value = slice_from(value, 1);
    }
    if (value.len > 0) {
        memcpy(out, "...", DOTS);
        out += DOTS;
    }
    return out;
}
