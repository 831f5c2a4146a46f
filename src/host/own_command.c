#include "host/own_command.h"

#include "base/slice.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* As long as a line is that somebody reads. */
enum { COMMAND_LEN_MAX = 300 };

struct text {
    char *at;
    size_t len, size;
    bool cut;
};

static void put(struct text *text, char c) {
    if (text->len + 1 < text->size)
        text->at[text->len++] = c;
    else
        text->cut = true;
}

static void put_quoted(struct text *text, const char *word) {
    bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                       "%+,-./:=@_") == strlen(word);
    if (!plain)
        put(text, '\'');
    for (; *word; word++) {
        if (*word == '\'') /* ends the quotes, and begins them again */
            for (const char *quote = "'\\'"; *quote; quote++)
                put(text, *quote);
        put(text, *word);
        text->cut |= ascii_is_control(*word); /* would not be shown as it is */
    }
    if (!plain)
        put(text, '\'');
}

/* A NUL behind each. */
static char words[COMMAND_LEN_MAX + 1];
static size_t len;

/* The kernel has the words as they were. */
void own_command_remember(void) {
    FILE *file = fopen("/proc/self/cmdline", "re");
    len = file ? fread(words, 1, sizeof words, file) : 0;
    if (file)
        fclose(file);
}

void own_command(char *text, size_t size, const char *option, const char *value) {
    char quoted[COMMAND_LEN_MAX];
    struct text out = {quoted, 0, sizeof quoted, false};
    bool whole = len > 0 && len < sizeof words && words[len - 1] == '\0';
    for (const char *word = words, *end = words + len; whole && word < end; word += strlen(word) + 1) {
        const char *next = word + strlen(word) + 1;
        if (value && strcmp(word, option) == 0 && next < end) {
            word = next; /* the value that is replaced */
            continue;
        }
        put_quoted(&out, word);
        put(&out, ' ');
    }
    put_quoted(&out, option);
    if (value) {
        put(&out, ' ');
        put_quoted(&out, value);
    }
    quoted[out.len] = '\0';
    if (whole && !out.cut)
        snprintf(text, size, "%s", quoted);
    else
        snprintf(text, size, "httpd ... %s %s", option, value ? value : "");
}
