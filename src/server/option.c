#define _GNU_SOURCE
#include "server/option.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void option_add(char *text, size_t size, const char *more) {
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s", more);
}

char *option_text_add(struct option_text **texts, size_t size) {
    struct option_text *text = malloc(sizeof *text + size);
    if (!text)
        return NULL;
    text->next = *texts;
    *texts = text;
    return text->bytes;
}

void option_texts_free(struct option_text *texts) {
    while (texts) {
        struct option_text *next = texts->next;
        free(texts);
        texts = next;
    }
}

bool option_may_lack_value(const struct option_row *row) {
    return row->argument && row->argument[0] == '[';
}

bool option_fail(const struct option_given *given, const char *format, ...) {
    char what[OPTION_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(given->error, given->error_size, "%s%s%s %.256s: %s", given->origin ? given->origin : "",
             given->origin ? ": " : "", given->spelling, given->value && *given->value ? given->value : "''", what);
    return false;
}

static void add_figure(char *text, size_t size, double figure, const char *units) {
    char digits[32], unit[2] = "";
    for (; units && *units && figure >= 1024 && (long)figure % 1024 == 0; units++) {
        figure /= 1024;
        unit[0] = *units;
    }
    snprintf(digits, sizeof digits, "%.10g%s", figure, unit);
    option_add(text, size, digits);
}

const char *option_expectation(const struct option_row *row, char *text, size_t size) {
    snprintf(text, size, "%s", row->noun);
    bool ranged = row->most > row->least;
    if (!ranged && !row->allowed && !row->choices && !row->add_allowed)
        return text;
    option_add(text, size, " (");
    if (ranged) {
        add_figure(text, size, row->least, row->units);
        option_add(text, size, " to ");
        add_figure(text, size, row->most, row->units);
    }
    for (int i = 0; row->choices && row->choices[i]; i++) {
        option_add(text, size, i ? ", " : "");
        option_add(text, size, row->choices[i]);
    }
    if (row->add_allowed)
        row->add_allowed(text, size);
    if (row->allowed)
        option_add(text, size, row->allowed);
    option_add(text, size, ")");
    return text;
}

bool option_refuse(const struct option_given *given) {
    char text[512];
    return option_fail(given, "not %s", option_expectation(given->row, text, sizeof text));
}

bool option_number(const struct option_given *given) {
    const struct option_row *row = given->row;
    /* strtod alone takes signs, spaces, exponents, hexadecimals and "nan" as well */
    size_t len = strspn(given->value, row->scale > 1 ? "0123456789." : "0123456789");
    char *end = NULL;
    double number = strtod(given->value, &end);
    if (!len || end != given->value + len)
        return option_refuse(given);
    const char *unit = *end && row->units ? strchr(row->units, tolower((unsigned char)*end)) : NULL;
    if (unit) {
        number *= (double)(1 << 10 * (unit - row->units + 1));
        end++;
    }
    if (*end || number < row->least || number > row->most)
        return option_refuse(given);
    *(unsigned *)option_field(given) = (unsigned)(number * row->scale + 0.5);
    return true;
}

bool option_switch(const struct option_given *given) {
    *(bool *)option_field(given) = true;
    return true;
}

static bool is_allowed(const struct option_given *given) {
    return given->row->is_ok ? given->row->is_ok(given->value) : *given->value != '\0';
}

bool option_string(const struct option_given *given) {
    if (!is_allowed(given))
        return option_refuse(given);
    *(const char **)option_field(given) = given->value;
    return true;
}

/* Whether only a relative path leads there: who runs this may not pass through a folder above. */
static bool must_stay_relative(const char *absolute, const char *path) {
    struct stat st;
    return stat(absolute, &st) != 0 && errno == EACCES && stat(path, &st) == 0;
}

/* A folder that is deleted and made anew, and a process that goes elsewhere, change what a relative path means. */
const char *option_resolve(const struct option_given *given, const char *path) {
    const char *tail = path;
    while (strncmp(tail, "./", 2) == 0)
        tail += 1 + strspn(tail + 1, "/");
    if (strcmp(tail, ".") == 0)
        tail = "";
    if (path[0] == '/' || !given->folder)
        return path;
    size_t size = strlen(given->folder) + 1 + strlen(tail) + 1;
    if (size > PATH_MAX)
        return path;
    char *absolute = option_text_add(given->texts, size);
    if (!absolute)
        return NULL;
    snprintf(absolute, size, "%s%s%s", given->folder, *tail && strcmp(given->folder, "/") != 0 ? "/" : "", tail);
    return !given->origin && must_stay_relative(absolute, path) ? path : absolute;
}

bool option_path(const struct option_given *given) {
    const char *path = is_allowed(given) ? option_resolve(given, given->value) : "";
    if (!path)
        return option_fail(given, "no memory");
    if (!*path)
        return option_refuse(given);
    *(const char **)option_field(given) = path;
    return true;
}

bool option_list(const struct option_given *given) {
    int *count = (int *)(void *)((char *)given->into + given->row->count_offset);
    if (!is_allowed(given))
        return option_refuse(given);
    if (*count == given->row->list_max)
        return option_fail(given, "one too many (at most %d)", *count);
    ((const char **)option_field(given))[(*count)++] = given->value;
    return true;
}

bool option_choice(const struct option_given *given) {
    for (unsigned i = 0; given->row->choices[i]; i++) {
        if (strcmp(given->value, given->row->choices[i]) != 0)
            continue;
        *(unsigned *)option_field(given) = i;
        return true;
    }
    return option_refuse(given);
}
