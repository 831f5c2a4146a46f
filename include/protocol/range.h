/* Byte ranges (RFC 9110 14). */
#ifndef RANGE_H
#define RANGE_H

#include "base/bounds.h"
#include "base/slice.h"

#include <stdint.h>

struct range {
    uint64_t first, len; /* len > 0, first + len <= the size given */
};

enum range_result {
    RANGE_IGNORE,        /* not bytes, malformed, too many, or of nothing: answer 200 with the whole */
    RANGE_UNSATISFIABLE, /* well-formed, and not one of them lies in the file: 416 */
    RANGE_SOME,          /* *count >= 1 ranges: 206 */
};

/* Reads a Range field value for a representation of `size` bytes. Ranges are clamped to the size; those beyond it are
   dropped; overlapping and touching ones are merged and the rest keep the order they were asked in (RFC 9110 15.3.7.2,
   14.2). Numbers of any length are read without overflow. `out` has room for RANGE_COUNT_MAX. Asking for more than
   RANGE_COUNT_MAX ranges (before merging) is RANGE_IGNORE, and so is any range of no bytes: there, "bytes=0-" means the
   whole to its senders (a download to be resumed, from nothing on), to whom 416 would be a failure. */
enum range_result range_parse(struct slice value, uint64_t size, struct range *out, int *count);

#endif
