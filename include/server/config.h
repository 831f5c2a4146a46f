/* What the user asked for, read and checked: the command line and the file that it names. Knows no more of HTTP than
   what a field may hold; main.c and this module are the only ones that may exit. */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/bounds.h"
#include "guard/privileges.h"
#include "host/settings.h"
#include "observe/access_log.h"
#include "server/option_read.h"
#include "site/mime_map.h"

#include <stdbool.h>

/* What is done instead of serving. */
enum config_show { CONFIG_SERVES, CONFIG_HELP, CONFIG_VERSION };

struct config {
    struct settings settings;
    int port;                       /* 0: the kernel picks */
    const char *listen[LISTEN_MAX]; /* as given; none: every interface at `port` */
    int listen_count;
    bool quiet, verbose, check, daemon, chroot, no_sandbox, lab;
    bool user_given;
    struct privileges user;
    const char *pid_path;
    const char *status_path; /* NULL: there is none */
    const char *trace_path;  /* likewise */
    struct network_list status_allow;
    enum config_show show;
    const char *access_log_path, *log_format, *error_log; /* as given; NULL: not */
    bool log_on_terminal;                                 /* lines for a person */

    /* What the site's fields, auth and types are made of. A copy of the struct keeps pointing at the first one's. */
    char fields[FIELDS_MAX + 1];
    char default_type[MIME_TYPE_LEN_MAX + 1];
    bool cors, isolate; /* cors: for every origin */
    const char *auth_path, *mime_path, *config_path;
    struct mime_map *mime;
    uint64_t given[OPTION_ROWS_MAX]; /* by row: a hash of all it was given, to tell whether that has changed */
    struct option_text *texts;       /* strings that neither argv nor the program holds */
};

/* The rows that a config is read by. */
extern const struct option_table config_table;

/* Fills *config from argv, whose strings it keeps, and from the files that it names, as they are now: to be called
   again for a new config when they have changed. Relative paths start where the first call was made, those in
   --config's file at its folder. Never exits: returns 0, after --help or --version with nothing but `show` set; or the
   exit status, with one line in `error` (OPTION_ERROR_MAX bytes) and nothing to free: 2 names the option (its file and
   line too), the value and what is allowed; 1: a file can't be used. */
int config_load(struct config *config, int argc, char **argv, char *error, size_t error_size);

/* The same while it serves: what holds from the start on isn't read; by `given` it shows whether it has changed. */
int config_load_again(struct config *config, int argc, char **argv, char *error, size_t error_size);

/* The same for the start: exits after --help and --version, and with config_load's status, its line on stderr. */
void config_read(struct config *config, int argc, char **argv);

/* Gives back what config_load made: strings, types and users. Nobody may use the config or its settings any more. */
void config_free(struct config *config);

/* Prints each option that holds, once config_load has found no mistake: name, value, and where that is from. */
void config_print(int argc, char **argv);

#endif
