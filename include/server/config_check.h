/* What can be said of a config before anything is opened for good; and --check. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "server/config.h"

/* Whether the root can be opened; after say() that tells what to do: false. */
bool config_check_root(const struct config *config);

/* Says so when whoever opens the site's first page gets none, as the root has no index file. */
void config_check_index(const struct config *config);

/* --check: prints the options that hold and what would be served, and where. Returns the exit status. */
int config_check_run(const struct config *config, int argc, char **argv);

#endif
