#define _GNU_SOURCE
#include "server/option.h"
#include "base/check.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* What getopt_long returns for row 0 spelt long; above every letter. */
    LONG_FIRST = 256,
    /* The column where --help's texts begin: wide enough for "--header-timeout SECONDS". */
    HELP_COLUMN = 32,
};

void option_add(char *text, size_t size, const char *more) {
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s", more);
}

static bool fail(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(char *error, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return false;
}

bool option_fail(const struct option_given *given, const char *format, ...) {
    char what[OPTION_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return fail(given->error, given->error_size, "%s %.256s: %s", given->spelling,
                given->value && *given->value ? given->value : "''", what);
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

/* "a port number (0 to 65535)" */
static const char *expectation(const struct option_row *row, char *text, size_t size) {
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
    return option_fail(given, "not %s", expectation(given->row, text, sizeof text));
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

static bool may_lack_value(const struct option_row *row) {
    return row->argument && row->argument[0] == '[';
}

static void print_row(const struct option_row *row) {
    char left[64] = "      --";
    if (row->letter)
        snprintf(left, sizeof left, "  -%c, --", row->letter);
    option_add(left, sizeof left, row->name);
    if (row->argument) {
        option_add(left, sizeof left, may_lack_value(row) ? "" : " ");
        option_add(left, sizeof left, row->argument);
    }
    if (strlen(left) >= HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    printf("%s", row->help);
    if (row->preset)
        printf(" (default %s)", row->preset);
    printf("\n");
    if (row->print_more)
        row->print_more(row, HELP_COLUMN);
}

void option_print_all(const struct option_table *table) {
    for (int group = 0; group < table->group_count; group++) {
        printf("\n%s:\n", table->groups[group]);
        for (int i = 0; i < table->row_count; i++)
            if (table->rows[i].group == group)
                print_row(&table->rows[i]);
    }
}

static void tell_getopt(const struct option_table *table, char *letters, struct option *longs) {
    *letters++ = ':'; /* a missing argument is ':', not '?' */
    for (int i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        int arguments = !row->argument ? no_argument : may_lack_value(row) ? optional_argument : required_argument;
        longs[i] = (struct option){row->name, arguments, NULL, LONG_FIRST + i};
        if (!row->letter)
            continue;
        *letters++ = row->letter;
        for (int colons = 0; colons < arguments; colons++)
            *letters++ = ':';
    }
    *letters = '\0';
    longs[table->row_count] = (struct option){NULL, 0, NULL, 0};
}

/* The row that getopt's answer stands for, and its spelling; NULL: none. */
static const struct option_row *row_of(const struct option_table *table, int answer, char *spelling, size_t size) {
    for (int i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (answer == LONG_FIRST + i)
            snprintf(spelling, size, "--%s", row->name);
        else if (row->letter && answer == row->letter)
            snprintf(spelling, size, "-%c", row->letter);
        else
            continue;
        return row;
    }
    return NULL;
}

/* After getopt's '?': a value where none belongs, an unknown letter, or a word that names no option or several. */
static bool fail_unknown(const struct option_table *table, const char *word, char *error, size_t size) {
    char spelling[64], candidates[512] = "";
    if (optopt >= LONG_FIRST && row_of(table, optopt, spelling, sizeof spelling))
        return fail(error, size, "%.256s: %s takes no value", word, spelling);
    if (optopt)
        return fail(error, size, "-%c: no such option (httpd --help lists them)", optopt);
    for (int i = 0; i < table->row_count; i++) {
        if (strncmp(table->rows[i].name, word + 2, strcspn(word + 2, "=")) != 0)
            continue;
        option_add(candidates, sizeof candidates, *candidates ? ", --" : "--");
        option_add(candidates, sizeof candidates, table->rows[i].name);
    }
    if (*candidates)
        return fail(error, size, "%.256s: which option? (%s)", word, candidates);
    return fail(error, size, "%.256s: no such option (httpd --help lists them)", word);
}

/* Words that are no options; `bare` is the last option whose value may be left out and was. */
static bool fail_words(char **words, int count, const struct option_row *bare, char *error, size_t size) {
    if (count > 1)
        return fail(error, size, "%.256s: not an option, nor are the %d words after it (httpd --help lists them)",
                    words[0], count - 1);
    if (bare)
        return fail(error, size, "%.256s: not an option (to give it to --%s: --%s=%.256s)", words[0], bare->name,
                    bare->name, words[0]);
    return fail(error, size, "%.256s: not an option (to serve it: -r %.256s)", words[0], words[0]);
}

/* What was given, by row, holds no two options that rule each other out. */
static bool check_rules(const struct option_table *table, const char *const *seen, char *error, size_t size) {
    for (int i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        for (int j = 0; row->rules_out && seen[i] && j < table->row_count; j++)
            if (seen[j] && strcmp(table->rows[j].name, row->rules_out) == 0)
                return fail(error, size, "--%s %.256s: not together with --%s %.256s", row->name, seen[i],
                            row->rules_out, seen[j]);
    }
    return true;
}

bool option_read_all(const struct option_table *table, void *into, int argc, char **argv, char *error,
                     size_t error_size) {
    char letters[3 * OPTION_ROWS_MAX + 2], spelling[64], text[512];
    struct option longs[OPTION_ROWS_MAX + 1];
    const char *seen[OPTION_ROWS_MAX] = {NULL};
    const struct option_row *bare = NULL;
    struct option_given given = {NULL, spelling, NULL, into, error, error_size};
    int answer;

    CHECK(table->row_count <= OPTION_ROWS_MAX);
    tell_getopt(table, letters, longs);
    opterr = 0;
    optind = 0; /* glibc: from the beginning, whatever was read before */
    while ((answer = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (answer == '?')
            return fail_unknown(table, argv[optind - 1], error, error_size);
        given.row = row_of(table, answer == ':' ? optopt : answer, spelling, sizeof spelling);
        given.value = optarg;
        CHECK(given.row);
        if (answer == ':')
            return fail(error, error_size, "%s: needs %s", spelling, expectation(given.row, text, sizeof text));
        seen[given.row - table->rows] = optarg ? optarg : "";
        if (!optarg && may_lack_value(given.row))
            bare = given.row;
        if (!given.row->read(&given))
            return false;
    }
    if (optind < argc)
        return fail_words(argv + optind, argc - optind, bare, error, error_size);
    if (!check_rules(table, seen, error, error_size))
        return false;
    for (int i = 0; i < table->row_count; i++) {
        given.row = &table->rows[i];
        given.spelling = given.row->name;
        given.value = given.row->preset;
        if (given.value && !seen[i] && !given.row->read(&given))
            return false;
    }
    return true;
}
