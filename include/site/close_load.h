/* The close of a file whose file system may hang in it: FUSE's asks its process to flush, whatever the file was opened
   for. */
#ifndef CLOSE_LOAD_H
#define CLOSE_LOAD_H

#include "base/load.h"
#include "base/outq.h"

/* A load that closes the source's descriptor, the caller's reference. NULL: no memory. */
struct load *close_load_open(const struct outq_source *source);

#endif
