/* How much memory the server stays within, worked out from its limits. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include "host/worker.h"

/* Of workers that have started; told where connections' ends are, too: --verbose. */
void footprint_say(const struct worker *workers, int count);

#endif
