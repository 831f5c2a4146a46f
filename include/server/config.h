/* The command line, read and checked. Knows no more of HTTP than what a field may hold; main.c and this module are the
   only ones that may exit. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/bounds.h"
#include "host/settings.h"
#include "site/mime_map.h"

#include <stdbool.h>

struct config {
    struct settings settings;
    int port;                       /* 0: the kernel picks */
    const char *listen[LISTEN_MAX]; /* as given; none: every interface at `port` */
    int listen_count;
    bool quiet, verbose, daemon;
    const char *pid_path;

    /* What the site's fields, auth and types are made of. A copy of the struct keeps pointing at the first one's. */
    char fields[FIELDS_MAX + 1];
    char default_type[MIME_TYPE_LEN_MAX + 1];
    bool cors, isolate; /* cors: for every origin */
    const char *auth_path, *mime_path;
};

/* Fills *config from argv, whose strings it keeps. Exits: 0 after --help or --version, 2 with one line on stderr that
   names the option, the value and what is allowed, 1 with one line when a file that it names can't be used. */
void config_read(struct config *config, int argc, char **argv);

#endif
