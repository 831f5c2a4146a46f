/* How much memory the server stays within, worked out from its limits. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include "host/worker.h"

/* Says it (SAY_INFO: --verbose), of workers that have started. */
void footprint_say(const struct worker *workers, int count);

#endif
