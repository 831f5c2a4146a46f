/* Each piece is written whole or not at all; once one wasn't, `failed` stays set. */
#include "site/text.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_LEAST = 4096 };

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

/* What HTML's input stream mustn't hold: C1 controls and noncharacters. */
static bool is_barred(uint32_t code) {
    return (code >= 0x80 && code <= 0x9F) || (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

void text_put_html(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = utf8_next(s, &code);
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
        else if (code == UTF8_REPLACED || is_barred(code))
            text_put_string(text, "\xEF\xBF\xBD");
        else
            text_put(text, s.at, len);
        s = slice_from(s, len);
    }
}

void text_put_json(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = utf8_next(s, &code);
        char escape[8];
        if (code == '"' || code == '\\')
            text_put(text, (char[]){'\\', (char)code}, 2);
        else if (code < 0x20 || code == UTF8_REPLACED)
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
