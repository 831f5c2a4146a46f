/* Options read: the command line, then the file that it names, then the defaults of what neither holds. What stands on
   the command line replaces what the file says of the same option, however often it says it, and of those that rule
   each other out. May be done again at any time, and never ends the process. */
#ifndef OPTION_READ_H
#define OPTION_READ_H

#include "server/option.h"

struct option_table {
    const struct option_row *rows;
    int row_count; /* at most OPTION_ROWS_MAX */
    const char *const *groups;
    int group_count;
    size_t size; /* of the struct that is filled */
};

struct option_reading {
    const struct option_table *table;
    void *into;
    const char *folder;                              /* where the command line's relative paths start; NULL: unknown */
    bool again;                                      /* rows that hold from the start on aren't read, just told */
    void (*tell)(const struct option_given *option); /* of each option that holds; may be NULL */
    struct option_text *texts;                       /* out: to be freed after `into`, failure or not */
    char *error;
    size_t error_size; /* OPTION_ERROR_MAX, at least */
};

/* Fills `into`, zero bytes at first, from argv, whose strings are kept. Returns 0; or the exit status, with one line in
   `error`: 2, which names file and line, option, value and what is allowed; 1: the file can't be read. */
int option_read_all(struct option_reading *reading, int argc, char **argv);

/* The same of a file's text alone, which is written to. */
int option_read_text(struct option_reading *reading, char *text);

/* Prints the rows by group to stdout. */
void option_print_all(const struct option_table *table);

#endif
