/* Lists only grow, so what the file says and the command line replaces must not be read into the same struct: it is
   read into one that is thrown away, for its mistakes. So the command line comes first. */
#define _GNU_SOURCE
#include "server/option_read.h"
#include "base/check.h"
#include "server/option_file.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* What getopt_long returns for row 0 spelt long; above every letter. */
    LONG_FIRST = 256,
    /* Exit statuses. */
    UNREADABLE = 1,
    MISTAKEN = 2,
};

/* How an option was given last. */
struct seen {
    const char *value; /* NULL: it wasn't */
    int line;          /* 0: on the command line */
};

struct reader {
    const struct option_table *table;
    struct option_reading *reading;
    struct seen seen[OPTION_ROWS_MAX];
    const struct option_row *bare; /* the last whose value could be left out and was */
    struct option_given given;
    const char *path; /* of the file, as it was written */
    char spelling[64], origin[OPTION_ORIGIN_MAX];
    bool ended;
};

static int fail(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct reader *reader, const char *format, ...) {
    struct option_given *given = &reader->given;
    int len = snprintf(given->error, given->error_size, "%s%s", given->origin ? given->origin : "",
                       given->origin ? ": " : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(given->error + len, given->error_size - (size_t)len, format, arguments);
    va_end(arguments);
    return MISTAKEN;
}

static void tell_getopt(const struct option_table *table, char *letters, struct option *longs) {
    *letters++ = ':'; /* a missing argument is ':', not '?' */
    for (int i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        int arguments = !row->argument               ? no_argument
                        : option_may_lack_value(row) ? optional_argument
                                                     : required_argument;
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

static const struct option_row *row_named(const struct option_table *table, const char *name) {
    for (int i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

/* After getopt's '?': a value where none belongs, an unknown letter, or a word that names no option or several. */
static int fail_unknown(struct reader *reader, const char *word) {
    const struct option_table *table = reader->table;
    char candidates[512] = "";
    if (optopt >= LONG_FIRST && row_of(table, optopt, reader->spelling, sizeof reader->spelling))
        return fail(reader, "%.256s: %s takes no value", word, reader->spelling);
    if (optopt)
        return fail(reader, "-%c: no such option (httpd --help lists them)", optopt);
    for (int i = 0; i < table->row_count; i++) {
        if (strncmp(table->rows[i].name, word + 2, strcspn(word + 2, "=")) != 0)
            continue;
        option_add(candidates, sizeof candidates, *candidates ? ", --" : "--");
        option_add(candidates, sizeof candidates, table->rows[i].name);
    }
    if (*candidates)
        return fail(reader, "%.256s: which option? (%s)", word, candidates);
    return fail(reader, "%.256s: no such option (httpd --help lists them)", word);
}

static int fail_words(struct reader *reader, char **words, int count) {
    const char *bare = reader->bare ? reader->bare->name : NULL;
    if (count > 1)
        return fail(reader, "%.256s: not an option, nor are the %d words after it (httpd --help lists them)", words[0],
                    count - 1);
    if (bare)
        return fail(reader, "%.256s: not an option (to give it to --%s: --%s=%.256s)", words[0], bare, bare, words[0]);
    return fail(reader, "%.256s: not an option (to serve it: -r %.256s)", words[0], words[0]);
}

static int fail_lacking(struct reader *reader) {
    char text[512];
    return fail(reader, "%s: needs %s", reader->spelling, option_expectation(reader->given.row, text, sizeof text));
}

static int read_given(struct reader *reader) {
    if (!(reader->reading->again && reader->given.row->at_start) && !reader->given.row->read(&reader->given))
        return MISTAKEN;
    if (reader->reading->tell && reader->given.into == reader->reading->into)
        reader->reading->tell(&reader->given);
    return 0;
}

static int read_arguments(struct reader *reader, int argc, char **argv) {
    char letters[3 * OPTION_ROWS_MAX + 2];
    struct option longs[OPTION_ROWS_MAX + 1];
    struct option_given *given = &reader->given;
    int answer;
    tell_getopt(reader->table, letters, longs);
    opterr = 0;
    optind = 0; /* from the beginning, whatever was read before */
    while ((answer = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (answer == '?')
            return fail_unknown(reader, argv[optind - 1]);
        given->row = row_of(reader->table, answer == ':' ? optopt : answer, reader->spelling, sizeof reader->spelling);
        given->value = optarg;
        CHECK(given->row);
        if (answer == ':')
            return fail_lacking(reader);
        reader->seen[given->row - reader->table->rows] = (struct seen){optarg ? optarg : "", 0};
        if (!optarg && option_may_lack_value(given->row))
            reader->bare = given->row;
        if (given->row->role == OPTION_FILE)
            reader->path = optarg;
        if (read_given(reader) != 0)
            return MISTAKEN;
        if ((reader->ended = given->row->role == OPTION_ENDS))
            return 0;
    }
    return optind < argc ? fail_words(reader, argv + optind, argc - optind) : 0;
}

static bool rules_out(const struct option_row *one, const struct option_row *other) {
    return one->rules_out && strcmp(one->rules_out, other->name) == 0;
}

/* Whether the command line has it, or what rules it out. */
static bool is_replaced(const struct reader *reader, const struct option_row *row) {
    for (int i = 0; i < reader->table->row_count; i++) {
        const struct option_row *other = &reader->table->rows[i];
        if (reader->seen[i].value && reader->seen[i].line == 0 &&
            (other == row || rules_out(other, row) || rules_out(row, other)))
            return true;
    }
    return false;
}

/* A value that is a word in quotes, as a shell would want it. */
static bool is_quoted(const char *value) {
    size_t len = strlen(value);
    return len >= 2 && (value[0] == '"' || value[0] == '\'') && strchr(value + 1, value[0]) == value + len - 1;
}

static int read_line(struct reader *reader, const struct option_line *line, void *scratch) {
    struct option_given *given = &reader->given;
    given->row = row_named(reader->table, line->name);
    given->value = line->value;
    snprintf(reader->spelling, sizeof reader->spelling, "--%s", line->name);
    if (!given->row)
        return fail(reader, "--%.256s: no such option (httpd --help lists them)", line->name);
    if (given->row->role != OPTION_USUAL)
        return fail(reader, "%s: on the command line alone", reader->spelling);
    if (line->value && !given->row->argument)
        return fail(reader, "%s %.256s: %s takes no value", reader->spelling, line->value, reader->spelling);
    if (!line->value && given->row->argument && !option_may_lack_value(given->row))
        return fail_lacking(reader);
    if (line->value && is_quoted(line->value))
        return fail(reader, "%s %.256s: leave out the quotes: a value goes to the end of its line", reader->spelling,
                    line->value);
    given->into = is_replaced(reader, given->row) ? scratch : reader->reading->into;
    if (given->into != scratch)
        reader->seen[given->row - reader->table->rows] = (struct seen){line->value ? line->value : "", line->number};
    return read_given(reader);
}

static void set_origin(struct reader *reader, int line) {
    snprintf(reader->origin, sizeof reader->origin, "%.256s:%d", reader->path, line);
    reader->given.origin = reader->origin;
}

static int read_lines(struct reader *reader, char *text) {
    struct option_line line = {.number = 0};
    void *scratch = calloc(1, reader->table->size);
    int status = scratch ? 0 : fail(reader, "--config %.256s: no memory", reader->path);
    while (status == 0 && option_file_next(&text, &line)) {
        set_origin(reader, line.number);
        status = read_line(reader, &line, scratch);
    }
    free(scratch);
    reader->given.into = reader->reading->into;
    reader->given.origin = NULL;
    return status;
}

/* Relative paths in the file start at its folder. */
static int read_file(struct reader *reader) {
    const char *path = option_resolve(&reader->given, reader->path), *wrong = "no memory";
    char *text = path ? option_file_read(path, reader->given.texts, &wrong) : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t len = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    char *folder = text && slash ? option_text_add(reader->given.texts, len + 1) : NULL;
    if (!text || (slash && !folder)) {
        fail(reader, "--config %.256s: %s", reader->path, wrong);
        return UNREADABLE;
    }
    if (folder) {
        memcpy(folder, path, len);
        folder[len] = '\0';
        reader->given.folder = folder;
    }
    return read_lines(reader, text);
}

/* What holds has no two options that rule each other out; where it does, both stand in one place. */
static int check_rules(struct reader *reader) {
    const struct option_table *table = reader->table;
    const struct seen *seen = reader->seen;
    for (int i = 0; i < table->row_count; i++)
        for (int j = 0; seen[i].value && table->rows[i].rules_out && j < table->row_count; j++) {
            if (!seen[j].value || !rules_out(&table->rows[i], &table->rows[j]))
                continue;
            if (seen[i].line > 0)
                set_origin(reader, seen[i].line);
            return fail(reader, "--%s %.256s: not together with --%s %.256s", table->rows[i].name, seen[i].value,
                        table->rows[j].name, seen[j].value);
        }
    return 0;
}

static int read_presets(struct reader *reader) {
    struct option_given *given = &reader->given;
    given->origin = "default";
    for (int i = 0; i < reader->table->row_count; i++) {
        given->row = &reader->table->rows[i];
        given->spelling = given->row->name;
        given->value = given->row->preset;
        if (given->value && !reader->seen[i].value && read_given(reader) != 0)
            return MISTAKEN;
    }
    return 0;
}

static void start(struct reader *reader, struct option_reading *reading) {
    CHECK(reading->table->row_count <= OPTION_ROWS_MAX && reading->error_size >= OPTION_ERROR_MAX);
    reading->texts = NULL;
    *reader = (struct reader){.table = reading->table, .reading = reading};
    reader->given = (struct option_given){
        .spelling = reader->spelling,
        .into = reading->into,
        .folder = reading->folder,
        .texts = &reading->texts,
        .error = reading->error,
        .error_size = reading->error_size,
    };
}

static int finish(struct reader *reader) {
    int status = check_rules(reader);
    reader->given.folder = reader->reading->folder;
    return status ? status : read_presets(reader);
}

int option_read_all(struct option_reading *reading, int argc, char **argv) {
    struct reader reader;
    start(&reader, reading);
    int status = read_arguments(&reader, argc, argv);
    if (status || reader.ended)
        return status;
    if (reader.path && (status = read_file(&reader)))
        return status;
    return finish(&reader);
}

int option_read_text(struct option_reading *reading, char *text) {
    struct reader reader;
    start(&reader, reading);
    reader.path = "text";
    int status = read_lines(&reader, text);
    return status ? status : finish(&reader);
}
