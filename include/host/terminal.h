/* What the terminal of a person can show. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* Whether `fd` is a terminal that makes text a link (OSC 8), or leaves it as it is. */
bool terminal_has_links(int fd);

/* Whether it is one that shows colours, and its user wants them (https://no-color.org). */
bool terminal_has_colours(int fd);

#endif
