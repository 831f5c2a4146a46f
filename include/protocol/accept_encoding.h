/* Which content coding a client likes best (RFC 9110 12.5.3). */
#ifndef ACCEPT_ENCODING_H
#define ACCEPT_ENCODING_H

#include "base/slice.h"

#include <stdint.h>

enum content_coding { CODING_IDENTITY, CODING_BR, CODING_ZSTD, CODING_GZIP, CODING_COUNT };

/* What the Accept-Encoding lines of one request said so far. Qualities are in thousandths; 0 is "not acceptable". */
struct accept_encoding {
    uint16_t quality[CODING_COUNT]; /* of those named */
    uint16_t star;                  /* of "*" */
    uint8_t named;                  /* bit per coding that was named */
    bool star_named;
};

/* A request without the field. It would allow any coding (12.5.3), but who doesn't ask gets none. */
void accept_encoding_init(struct accept_encoding *accept);

/* Adds one field line's value: several lines are one list (5.3). Malformed elements are ignored; of a coding that is
   named twice the higher quality counts; x-gzip is gzip (8.4.1.3). */
void accept_encoding_add(struct accept_encoding *accept, struct slice value);

/* The quality in thousandths. Codings that aren't named have that of "*", or 0 without it; identity, when it isn't
   named, has the lowest that is acceptable, 1, unless "*;q=0" rules it out. */
uint16_t accept_encoding_quality(const struct accept_encoding *accept, enum content_coding coding);

/* The coding of highest quality among those whose bit (1 << coding) is set in `available`; of equals the first in the
   order br, zstd, gzip, identity. CODING_IDENTITY when none is acceptable: the plain bytes serve better than a 406. */
enum content_coding accept_encoding_choose(const struct accept_encoding *accept, unsigned available);

#endif
