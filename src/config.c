#define _GNU_SOURCE
#include "config.h"

#include "backend.h"
#include "check.h"
#include "listener.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One row of option_rows is one option: what getopt is told, what --help says, how the value is read, what is allowed
   and what holds without it all come from there. A default is text, read like a user's value once the command line
   has been read, so neither can differ from what --help shows. */

#define VERSION "1.0.0"

struct given;

struct option_row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* as --help names it; NULL: a switch; "[=NAME]": may be left out (value NULL) */
    int group;
    const char *help;
    const char *preset; /* the default; NULL: zero bytes */
    void (*read)(const struct given *given);
    size_t offset, count_offset; /* in struct config; the latter of a list's length */
    const char *noun;            /* completes "not ..." and "needs ..." */
    const char *allowed;         /* completes the noun where it isn't a range */
    double least, most, scale;   /* a number's range, and the units it is kept in to one of those it is written in */
    const char *units;           /* suffixes a number may have, each 1024 times the one before; NULL: none */
    bool models;                 /* what is allowed is the list of them */
    int list_max;                /* how often a list may be extended */
    bool (*is_ok)(const char *value); /* of a string or a list's item; NULL: any that isn't empty */
};

struct given {
    const struct option_row *row;
    const char *spelling; /* "-p" or "--port" */
    const char *value;    /* NULL: a switch, or an optional argument left out */
    struct config *config;
};

enum group { GROUP_CONTENT, GROUP_ADDRESS, GROUP_MODEL, GROUP_LIMITS, GROUP_ANSWERS, GROUP_COUNT };

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_CONTENT] = "What is served",
    [GROUP_ADDRESS] = "Where",
    [GROUP_MODEL] = "How",
    [GROUP_LIMITS] = "Limits, which hold in every model",
    [GROUP_ANSWERS] = "What is said",
};

/* One line, whatever bytes the user's words hold. */
_Noreturn static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void fail(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    fprintf(stderr, "httpd: %s\n", line);
    exit(2);
}

static void add(char *text, size_t size, const char *more) {
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s", more);
}

static void add_models(char *text, size_t size) {
    const struct backend *alias = backend_find("epoll");
    for (int i = 0; backend_list[i]; i++) {
        add(text, size, i ? ", " : "");
        add(text, size, backend_list[i]->name);
        if (backend_list[i] == alias && strcmp(alias->name, "epoll") != 0)
            add(text, size, ", epoll");
    }
}

static void add_figure(char *text, size_t size, double figure, const char *units) {
    char digits[32], unit[2] = "";
    for (; units && *units && figure >= 1024 && (long)figure % 1024 == 0; units++) {
        figure /= 1024;
        unit[0] = *units;
    }
    snprintf(digits, sizeof digits, "%.10g%s", figure, unit);
    add(text, size, digits);
}

/* "a port number (0 to 65535)" */
static const char *expectation(const struct option_row *row, char *text, size_t size) {
    snprintf(text, size, "%s", row->noun);
    bool ranged = row->most > row->least;
    if (!ranged && !row->allowed && !row->models)
        return text;
    add(text, size, " (");
    if (ranged) {
        add_figure(text, size, row->least, row->units);
        add(text, size, " to ");
        add_figure(text, size, row->most, row->units);
    }
    if (row->models)
        add_models(text, size);
    if (row->allowed)
        add(text, size, row->allowed);
    add(text, size, ")");
    return text;
}

_Noreturn static void refuse(const struct given *given) {
    char text[512];
    expectation(given->row, text, sizeof text);
    fail("%s %.256s: not %s", given->spelling, *given->value ? given->value : "''", text);
}

static void *field_of(const struct given *given) {
    return (char *)given->config + given->row->offset;
}

/* Into an unsigned, or an int that holds the row's range. */
static void read_number(const struct given *given) {
    const struct option_row *row = given->row;
    /* strtod alone takes signs, spaces, exponents, hexadecimals and "nan" as well */
    size_t len = strspn(given->value, row->scale > 1 ? "0123456789." : "0123456789");
    char *end = NULL;
    double number = strtod(given->value, &end);
    if (!len || end != given->value + len)
        refuse(given);
    const char *unit = *end && row->units ? strchr(row->units, tolower((unsigned char)*end)) : NULL;
    if (unit) {
        number *= (double)(1 << 10 * (unit - row->units + 1));
        end++;
    }
    if (*end || number < row->least || number > row->most)
        refuse(given);
    *(unsigned *)field_of(given) = (unsigned)(number * row->scale + 0.5);
}

static void read_switch(const struct given *given) {
    *(bool *)field_of(given) = true;
}

static void check_string(const struct given *given) {
    if (!*given->value || (given->row->is_ok && !given->row->is_ok(given->value)))
        refuse(given);
}

static void read_string(const struct given *given) {
    check_string(given);
    *(const char **)field_of(given) = given->value;
}

static void read_list(const struct given *given) {
    int *count = (int *)(void *)((char *)given->config + given->row->count_offset);
    check_string(given);
    if (*count == given->row->list_max)
        fail("%s %.256s: one too many (at most %d)", given->spelling, given->value, *count);
    ((const char **)field_of(given))[(*count)++] = given->value;
}

static bool is_file_name(const char *value) {
    return !strchr(value, '/') && strcmp(value, ".") != 0 && strcmp(value, "..") != 0 && strlen(value) <= NAME_MAX;
}

static void read_model(const struct given *given) {
    char models[512] = "";
    if (!backend_find(given->value)) {
        add_models(models, sizeof models);
        fail("%s %.256s: no such model (%s)", given->spelling, *given->value ? given->value : "''", models);
    }
    *(const char **)field_of(given) = given->value;
}

static void read_workers(const struct given *given) {
    if (strcmp(given->value, "auto") != 0) {
        read_number(given);
        return;
    }
    cpu_set_t cpus; /* 1024 of them; where there are more the call fails, and WORKERS_MAX is what they get */
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : WORKERS_MAX;
    *(int *)field_of(given) = count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
}

_Noreturn static void read_help(const struct given *given);
_Noreturn static void read_version(const struct given *given);

#define TO(field) .offset = offsetof(struct config, field)
#define TO_LIST(field, max) TO(field), .count_offset = offsetof(struct config, field##_count), .list_max = max
#define RANGE(from, to) .least = (from), .most = (to), .scale = 1
#define SECONDS .read = read_number, .noun = "a time in seconds", .least = 0.05, .most = 86400, .scale = 1000

_Static_assert(HEAD_MAX_DEFAULT == 16 * 1024, "the preset of --max-header");

/* clang-format off */
static const struct option_row option_rows[] = {
    {"root", 'r', "DIR", GROUP_CONTENT, "document root", ".",
     read_string, TO(root), .noun = "a folder"},
    {"index", 'i', "NAME", GROUP_CONTENT, "index file; repeatable, tried in order", "index.html",
     read_list, TO_LIST(index, INDEX_MAX), .noun = "a file name", .allowed = "without '/'", .is_ok = is_file_name},

    {"port", 'p', "N", GROUP_ADDRESS, "TCP port; 0: the kernel picks", "7890",
     read_number, TO(port), .noun = "a port number", RANGE(0, 65535)},
    {"listen", 'l', "ADDR", GROUP_ADDRESS,
     "HOST:PORT, [V6]:PORT, :PORT, unix:PATH; repeatable; instead of -p", NULL,
     read_list, TO_LIST(listen, LISTEN_MAX), .noun = "an address",
     .allowed = "HOST:PORT, [V6]:PORT, :PORT or unix:PATH", .is_ok = listener_spec_ok},

    {"model", 'm', "NAME", GROUP_MODEL, "concurrency model", "epoll",
     read_model, TO(model), .noun = "a model", .models = true},
    {"workers", 'w', "N|auto", GROUP_MODEL, "accept loops; auto: one per CPU this process may run on", "1",
     read_workers, TO(workers), .noun = "a number of workers", .allowed = " or auto", RANGE(1, WORKERS_MAX)},

    {"max-connections", 0, "N", GROUP_LIMITS, "connections at a time; the rest wait", "10000",
     read_number, TO(limits.max_connections), .noun = "a number of connections", RANGE(1, 1000000)},
    {"max-per-ip", 0, "N", GROUP_LIMITS, "connections from one address; 0: no limit", "0",
     read_number, TO(limits.max_per_ip), .noun = "a number of connections", RANGE(0, 1000000)},
    {"header-timeout", 0, "SECONDS", GROUP_LIMITS, "for a whole request head, from its first byte on", "10",
     SECONDS, TO(limits.header_timeout_ms)},
    {"idle-timeout", 0, "SECONDS", GROUP_LIMITS, "for the next request to begin", "60",
     SECONDS, TO(limits.idle_timeout_ms)},
    {"send-timeout", 0, "SECONDS", GROUP_LIMITS, "for a reply to make progress", "30",
     SECONDS, TO(limits.send_timeout_ms)},
    {"min-rate", 0, "BYTES", GROUP_LIMITS, "least pace of a reply in a second; 0: none", "500",
     read_number, TO(limits.min_rate), .noun = "a rate in bytes a second", RANGE(0, 1 << 30), .units = "kmg"},
    {"max-header", 0, "BYTES", GROUP_LIMITS, "longest request head", "16k",
     read_number, TO(limits.head_max), .noun = "a size in bytes", RANGE(HEAD_MAX_LEAST, HEAD_MAX_MOST),
     .units = "kmg"},
    {"max-requests", 0, "N", GROUP_LIMITS, "requests on one connection; 0: no limit", "0",
     read_number, TO(limits.max_requests), .noun = "a number of requests", RANGE(0, 1000000000)},

    {"quiet", 'q', NULL, GROUP_ANSWERS, "say nothing but errors", NULL, read_switch, TO(quiet)},
    {"verbose", 'v', NULL, GROUP_ANSWERS, "say more", NULL, read_switch, TO(verbose)},
    {"help", 'h', NULL, GROUP_ANSWERS, "print this page", NULL, read_help, .offset = 0},
    {"version", 'V', NULL, GROUP_ANSWERS, "print the version", NULL, read_version, .offset = 0},
};
/* clang-format on */

enum {
    ROW_COUNT = sizeof option_rows / sizeof option_rows[0],
    /* What getopt_long returns for row 0 spelt long; above every letter. */
    LONG_FIRST = 256,
    /* The column where --help's texts begin: wide enough for "--header-timeout SECONDS". */
    HELP_COLUMN = 32,
};

static void print_models(const char *preset) {
    const struct backend *found = backend_find(preset);
    for (int i = 0; backend_list[i]; i++)
        printf("%8s%-*s%s\n", "", HELP_COLUMN - 8, backend_list[i]->name, backend_list[i]->summary);
    if (found && strcmp(found->name, preset) != 0)
        printf("%8s%-*sthe same as %s\n", "", HELP_COLUMN - 8, preset, found->name);
}

static void print_row(const struct option_row *row) {
    char left[64] = "      --";
    if (row->letter)
        snprintf(left, sizeof left, "  -%c, --", row->letter);
    add(left, sizeof left, row->name);
    if (row->argument)
        add(left, sizeof left, row->argument[0] == '[' ? "" : " "), add(left, sizeof left, row->argument);
    if (strlen(left) >= HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    printf("%s", row->help);
    if (row->preset)
        printf(" (default %s)", row->preset);
    printf("\n");
    if (row->models)
        print_models(row->preset);
}

_Noreturn static void finish_output(void) {
    exit(fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}

_Noreturn static void read_help(const struct given *given) {
    (void)given;
    printf("Usage: httpd [OPTION]...\n"
           "Serves a folder over HTTP/1.1, for example: httpd -p 7890 -r ./html -m epoll\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        printf("\n%s:\n", group_titles[group]);
        for (int i = 0; i < ROW_COUNT; i++)
            if (option_rows[i].group == group)
                print_row(&option_rows[i]);
    }
    printf("\nSECONDS may have a fraction (0.5); BYTES may end in k, m or g.\n");
    finish_output();
}

_Noreturn static void read_version(const struct given *given) {
    (void)given;
    printf("httpd " VERSION "\n");
    finish_output();
}

static void tell_getopt(char *letters, struct option *longs) {
    *letters++ = ':'; /* a missing argument is ':', not '?' */
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        int arguments = !row->argument ? no_argument : row->argument[0] == '[' ? optional_argument : required_argument;
        longs[i] = (struct option){row->name, arguments, NULL, LONG_FIRST + i};
        if (!row->letter)
            continue;
        *letters++ = row->letter;
        for (int colons = 0; colons < arguments; colons++)
            *letters++ = ':';
    }
    *letters = '\0';
    longs[ROW_COUNT] = (struct option){NULL, 0, NULL, 0};
}

/* The row that getopt's answer stands for, and its spelling; NULL: none. */
static const struct option_row *row_of(int answer, char *spelling, size_t size) {
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
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
_Noreturn static void fail_unknown(const char *word) {
    char spelling[64], candidates[512] = "";
    if (optopt >= LONG_FIRST && row_of(optopt, spelling, sizeof spelling))
        fail("%.256s: %s takes no value", word, spelling);
    if (optopt)
        fail("-%c: no such option (httpd --help lists them)", optopt);
    for (int i = 0; i < ROW_COUNT; i++)
        if (strncmp(option_rows[i].name, word + 2, strcspn(word + 2, "=")) == 0) {
            add(candidates, sizeof candidates, *candidates ? ", --" : "--");
            add(candidates, sizeof candidates, option_rows[i].name);
        }
    if (*candidates)
        fail("%.256s: which option? (%s)", word, candidates);
    fail("%.256s: no such option (httpd --help lists them)", word);
}

static void read_presets(struct config *config, const bool *seen) {
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->preset && !seen[i])
            row->read(&(struct given){row, row->name, row->preset, config});
    }
}

void config_read(struct config *config, int argc, char **argv) {
    char letters[3 * ROW_COUNT + 2], spelling[64], text[512];
    struct option longs[ROW_COUNT + 1];
    bool seen[ROW_COUNT] = {false};
    int answer;

    memset(config, 0, sizeof *config);
    tell_getopt(letters, longs);
    opterr = 0;
    optind = 0; /* glibc: from the beginning, whatever was read before */
    while ((answer = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (answer == '?')
            fail_unknown(argv[optind - 1]);
        const struct option_row *row = row_of(answer == ':' ? optopt : answer, spelling, sizeof spelling);
        CHECK(row);
        if (answer == ':')
            fail("%s: needs %s", spelling, expectation(row, text, sizeof text));
        seen[row - option_rows] = true;
        row->read(&(struct given){row, spelling, optarg, config});
    }
    if (optind + 1 == argc)
        fail("%.256s: not an option (to serve it: -r %.256s)", argv[optind], argv[optind]);
    if (optind < argc)
        fail("%.256s: not an option, nor are the %d words after it (httpd --help lists them)", argv[optind],
             argc - optind - 1);
    read_presets(config, seen);
}
