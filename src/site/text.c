/* Each piece is written whole or not at all; once one wasn't, `failed` stays set. */
#include "site/text.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_LEAST = 4096,
    REPLACED = 0xFFFD /* stands for what can't be shown */
};

static bool text_grow(struct text *text, size_t more) {
    size_t space = text->space ? text->space : TEXT_LEAST;
    while (space - text->len < more)
        space *= 2;
    char *at = realloc(text->at, space);
    if (!at)
        return false;
    text->at = at;
    text->space = space;
    return true;
}

void text_put(struct text *text, const char *bytes, size_t len) {
    if (text->failed || (text->space - text->len < len && !text_grow(text, len))) {
        text->failed = true;
        return;
    }
    if (len > 0)
        memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

void text_put_string(struct text *text, const char *string) {
    text_put(text, string, strlen(string));
}

void text_put_number(struct text *text, uint64_t number) {
    char digits[24];
    text_put(text, digits, (size_t)sprintf(digits, "%llu", (unsigned long long)number));
}

/* The length of the character that `s` (not empty) begins with, and its code point; an ill-formed byte is one REPLACED.
   The second byte's bounds shut out overlong forms, surrogates and what is beyond Unicode (RFC 3629 4). */
static size_t next_char(struct slice s, uint32_t *code) {
    unsigned char first = (unsigned char)s.at[0], low = 0x80, high = 0xBF;
    size_t len = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    *code = REPLACED;
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

/* What HTML's input stream mustn't hold: C1 controls and noncharacters. */
static bool is_barred(uint32_t code) {
    return (code >= 0x80 && code <= 0x9F) || (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

void text_put_html(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = next_char(s, &code);
        if (code == '&')
            text_put_string(text, "&amp;");
        else if (code == '<')
            text_put_string(text, "&lt;");
        else if (code == '>')
            text_put_string(text, "&gt;");
        else if (code == '"')
            text_put_string(text, "&quot;");
        else if (code == '\'')
            text_put_string(text, "&#39;");
        else if (code < 0x20 || code == 0x7F) /* shown by its picture, U+2400 and on */
            text_put(text, (char[]){'\xE2', '\x90', (char)(code == 0x7F ? 0xA1 : 0x80 + code)}, 3);
        else if (code == REPLACED || is_barred(code))
            text_put_string(text, "\xEF\xBF\xBD");
        else
            text_put(text, s.at, len);
        s = slice_from(s, len);
    }
}

void text_put_json(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = next_char(s, &code);
        char escape[8];
        if (code == '"' || code == '\\')
            text_put(text, (char[]){'\\', (char)code}, 2);
        else if (code < 0x20 || code == REPLACED)
            text_put(text, escape, (size_t)sprintf(escape, "\\u%04x", (unsigned)code & 0xFFFF));
        else
            text_put(text, s.at, len);
        s = slice_from(s, len);
    }
}

void text_put_address(struct text *text, struct slice name) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i], lower = ascii_lower(c);
        if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
            text_put(text, &c, 1);
        else
            text_put(text, (char[]){'%', digits[(unsigned char)c >> 4], digits[(unsigned char)c & 15]}, 3);
    }
}
