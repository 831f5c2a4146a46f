/* Nothing is escaped or quoted: what stands in a line is what is meant, as far as the line goes. */
#include "server/option_file.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As many redirects and fields as there may be, and a book of comments. */
enum { FILE_LEN_MAX = 1 << 20 };

#define BLANKS " \t\r"

char *option_file_read(const char *path, struct option_text **texts, const char **wrong) {
    char *text = option_text_add(texts, FILE_LEN_MAX + 2);
    FILE *file = fopen(path, "re");
    if (!text || !file) {
        *wrong = text ? strerror(errno) : "no memory";
        if (file)
            fclose(file);
        return NULL;
    }
    size_t len = fread(text, 1, FILE_LEN_MAX + 1, file);
    *wrong = ferror(file) ? strerror(errno) : len > FILE_LEN_MAX ? "over 1 MiB" : NULL;
    fclose(file);
    text[len] = '\0';
    if (!*wrong && strlen(text) != len)
        *wrong = "holds a NUL";
    return *wrong ? NULL : text + utf8_mark_len(slice_of(text));
}

static void take_apart(char *text, struct option_line *line) {
    size_t len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]))
        len--;
    text[len] = '\0';
    line->name = text + (strncmp(text, "--", 2) == 0 ? 2 : 0);
    char *end = text + strcspn(text, BLANKS "="), *value = end + strspn(end, BLANKS);
    bool equals = *value == '=';
    if (equals)
        value += 1 + strspn(value + 1, BLANKS);
    line->value = equals || *value ? value : NULL;
    *end = '\0';
}

bool option_file_next(char **rest, struct option_line *line) {
    while (**rest) {
        char *text = *rest + strspn(*rest, BLANKS), *end = *rest + strcspn(*rest, "\n");
        *rest = end + (*end == '\n');
        *end = '\0';
        line->number++;
        if (*text == '\0' || *text == '#')
            continue;
        take_apart(text, line);
        return true;
    }
    return false;
}
