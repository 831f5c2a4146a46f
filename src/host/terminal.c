/* No terminal tells whether it knows OSC 8. Nearly all do, or swallow it; those that print it as it is give themselves
   away by TERM or COLORTERM, as GCC found, whose rule this is. */
#include "host/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_one_of(const char *word, const char *const *words) {
    for (; word && *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

bool terminal_has_links(int fd) {
    static const char *const garbled[] = {"xfce4-terminal", "gnome-terminal", NULL}; /* old versions; new: truecolor */
    static const char *const plain[] = {"xterm", "linux", "vt100", "vt220", NULL};   /* an old one, a console, a line */
    const char *term = getenv("TERM"), *colors = getenv("COLORTERM");
    if (!isatty(fd) || !term || !*term || strcmp(term, "dumb") == 0 || is_one_of(colors, garbled))
        return false;
    return colors || !is_one_of(term, plain);
}

bool terminal_has_colours(int fd) {
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0 && !(none && *none);
}
