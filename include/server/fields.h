/* The fields that are added to every reply: the user's own, and those that options stand for. */
#ifndef FIELDS_H
#define FIELDS_H

#include "base/slice.h"
#include "server/config.h"
#include "server/option.h"

/* Whether a field may have this value: no control bytes, no white space at either end (RFC 9110 5.5). */
bool fields_value_ok(struct slice value);

/* Reads -H into the config: a reader for its row. */
bool fields_read(const struct option_given *given);

/* Reads --cors and --cors=ORIGIN: a reader for its row. */
bool fields_read_cors(const struct option_given *given);

/* Adds what --cors and --isolate stand for, once all options are read. A field that the user set by -H stays the
   user's. False, with a line in `error`, when there is no room, or the user's contradict. */
bool fields_add_presets(struct config *config, char *error, size_t error_size);

#endif
