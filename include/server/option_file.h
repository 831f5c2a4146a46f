/* A file of options: a long option a line, its value after a space or '='; what follows a '#' that begins a line is a
   comment. */
#ifndef OPTION_FILE_H
#define OPTION_FILE_H

#include "server/option.h"

struct option_line {
    const char *name;  /* without the dashes, which may stand before it */
    const char *value; /* to the end of the line, without blanks around it; NULL: none, and no '=' either */
    int number;        /* of the line, from 1 */
};

/* The whole file but for a byte order mark, a NUL behind it, in one of the texts. NULL, with what is wrong in *wrong:
   it can't be read, is too large or holds a NUL. */
char *option_file_read(const char *path, struct option_text **texts, const char **wrong);

/* Takes the next line that says something off *rest, and ends its parts by NULs; `line` is zero bytes at first. False:
   there is none. */
bool option_file_next(char **rest, struct option_line *line);

#endif
