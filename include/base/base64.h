/* RFC 4648 4. */
#ifndef BASE64_H
#define BASE64_H

#include "base/slice.h"

/* Padded, and with nothing but zeros in the bits left over; false for anything else, or what doesn't fit in `size`. */
bool base64_decode(struct slice text, char *out, size_t size, size_t *len);

#endif
