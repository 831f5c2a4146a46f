/* Doubling growth; one byte beyond len is always kept for the NUL, so that the text can be handed to printf. */
#include "bytes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

char *bytes_room(struct bytes *bytes, size_t len) {
    size_t need = bytes->len + len + 1;
    if (need > bytes->capacity) {
        size_t capacity = bytes->capacity ? bytes->capacity : 256;
        while (capacity < need)
            capacity *= 2;
        char *at = realloc(bytes->at, capacity);
        if (!at)
            abort();
        bytes->at = at;
        bytes->capacity = capacity;
    }
    return bytes->at + bytes->len;
}

void bytes_grew(struct bytes *bytes, size_t len) {
    bytes->len += len;
    bytes->at[bytes->len] = '\0';
}

void bytes_add(struct bytes *bytes, const void *from, size_t len) {
    char *to = bytes_room(bytes, len);
    if (len > 0)
        memcpy(to, from, len);
    bytes_grew(bytes, len);
}

void bytes_addf(struct bytes *bytes, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        abort();
    bytes_add(bytes, text, (size_t)len);
    free(text);
}

void bytes_drop(struct bytes *bytes, size_t len) {
    if (len == 0)
        return;
    memmove(bytes->at, bytes->at + len, bytes->len - len);
    bytes->len -= len;
    bytes->at[bytes->len] = '\0';
}

void bytes_free(struct bytes *bytes) {
    free(bytes->at);
    *bytes = (struct bytes){0};
}

bool bytes_equal(const struct bytes *a, const struct bytes *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

void bytes_print(FILE *to, const char *at, size_t len, size_t max) {
    size_t shown = len < max ? len : max;
    fputc('"', to);
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)at[i];
        if (byte == '\r')
            fputs("\\r", to);
        else if (byte == '\n')
            fputs("\\n", to);
        else if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            fprintf(to, "\\x%02x", byte);
        else
            fputc(byte, to);
    }
    fputc('"', to);
    if (shown < len)
        fprintf(to, "... (%zu bytes)", len);
}
