/* Options as rows of a table: what getopt is told, what --help says, how a value is read, what is allowed and what
   holds without it all come from the row, wherever the option is written (option_read.h). A default is text, read like
   a user's value, so neither can differ from what --help shows. Knows no option by name, and never ends the process. */
#ifndef OPTION_H
#define OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct option_given;

enum option_role {
    OPTION_USUAL,
    OPTION_COMMAND_LINE, /* not in a file */
    OPTION_FILE,         /* so is this: its value is the file */
    OPTION_ENDS,         /* and this: what stands after it isn't read, as it is all that is done */
};

struct option_row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* as --help names it; NULL: a switch; "[=NAME]": may be left out (value NULL) */
    int group;
    const char *help;
    const char *preset;                             /* the default; NULL: zero bytes */
    bool (*read)(const struct option_given *given); /* false: option_fail has been called */
    size_t offset, count_offset;                    /* in what is filled; the latter of a list's length */
    const char *noun;                               /* completes "not ..." and "needs ..." */
    const char *allowed;                            /* completes the noun, behind a range if there is one */
    const char *const *choices;                     /* words of option_choice, NULL at the end */
    double least, most, scale;                      /* a number's range, and its unit in those it is kept in */
    const char *units;                              /* suffixes of a number, each 1024 times the one before */
    int list_max;                                   /* how often a list may be extended */
    enum option_role role;                          /* where it may stand */
    bool at_start;                                  /* holds from the start on: a reload doesn't take it over */
    const char *rules_out;                          /* an option that can't be given too */
    bool (*is_ok)(const char *value);               /* of a string or a list's item; NULL: any that isn't empty */
    void (*add_allowed)(char *text, size_t size);   /* like `allowed`, where that isn't a constant */
    void (*print_more)(const struct option_row *row, int column); /* lines for --help below the row's own */
};

struct option_given {
    const struct option_row *row;
    const char *spelling;       /* "-p" or "--port" */
    const char *value;          /* NULL: a switch, or an optional argument left out */
    void *into;                 /* the struct that is filled */
    const char *origin;         /* "FILE:LINE", or "default"; NULL: the command line */
    const char *folder;         /* where a relative path starts; NULL: where the process is */
    struct option_text **texts; /* for strings that are made while reading */
    char *error;
    size_t error_size;
};

enum { OPTION_ROWS_MAX = 96, OPTION_ERROR_MAX = 1024, OPTION_ORIGIN_MAX = 320 };

/* Strings that live as long as what is filled. */
struct option_text {
    struct option_text *next;
    char bytes[];
};

/* Room for `size` bytes more. NULL: no memory. */
char *option_text_add(struct option_text **texts, size_t size);
void option_texts_free(struct option_text *texts);

/* Whether its value may be left out. */
bool option_may_lack_value(const struct option_row *row);

/* "a port number (0 to 65535)", in `text`. */
const char *option_expectation(const struct option_row *row, char *text, size_t size);

/* Appends, cutting what is too long. */
void option_add(char *text, size_t size, const char *more);

/* Readers for rows. A number goes into an unsigned, or an int that holds its range; a choice's index into an enum. */
bool option_number(const struct option_given *given);
bool option_switch(const struct option_given *given);
bool option_string(const struct option_given *given);
bool option_path(const struct option_given *given); /* a string; made absolute, for folders change */
bool option_list(const struct option_given *given);
bool option_choice(const struct option_given *given);

/* The path made absolute, or as it is where that is not to be done. NULL: no memory. */
const char *option_resolve(const struct option_given *given, const char *path);

/* For readers elsewhere: the error line "--port x: ..."; false, to return. option_refuse says "not ..." as the row
   has it. */
bool option_fail(const struct option_given *given, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool option_refuse(const struct option_given *given);

/* The row's field in what is filled. */
static inline void *option_field(const struct option_given *given) {
    return (char *)given->into + given->row->offset;
}

#endif
