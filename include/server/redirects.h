/* --redirect FROM=TO. */
#ifndef REDIRECTS_H
#define REDIRECTS_H

#include "server/option.h"

/* Reads it into the config: a reader for its row. */
bool redirects_read(const struct option_given *given);

#endif
