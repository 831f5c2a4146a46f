/* The command line, read and checked. Knows no HTTP; main.c and this module are the only ones that may exit. */
#ifndef CONFIG_H
#define CONFIG_H

#include "bounds.h"

#include <stdbool.h>

struct config {
    const char *root;
    const char *model;              /* a name that backend_find knows */
    int port;                       /* 0: the kernel picks */
    const char *listen[LISTEN_MAX]; /* as given; none: every interface, dual-stack, at `port` */
    int listen_count;
    const char *index[INDEX_MAX];
    int index_count;
    int workers; /* >= 1 */
    bool quiet, verbose;
    struct limits limits;
};

/* Fills *config from argv, whose strings it keeps. Exits: 0 after --help or --version, 2 with one line on stderr that
   names the option, the value and what is allowed. */
void config_read(struct config *config, int argc, char **argv);

#endif
