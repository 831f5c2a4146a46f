/* A request's body, read and thrown away (RFC 9112 6, 7.1): its bytes are never taken for a request. */
#ifndef BODY_H
#define BODY_H

#include "protocol/request.h"

#include <stdint.h>

struct body {
    uint64_t left;      /* of the content or of the chunk at hand */
    uint32_t discarded; /* in all, framing included; bounded by BODY_DISCARD_MAX */
    uint16_t line_len;  /* of the chunk-size line or trailer section at hand, CRLFs included */
    uint8_t state;
};

/* Prepares for the body that `request` announces. */
void body_init(struct body *body, const struct request *request);

/* Takes bytes off the body. Returns 0 when the body is whole (*used bytes belonged to it, what follows is the next
   request), REQUEST_INCOMPLETE when all were taken and more must come (*used == len), 400 when the chunked framing is
   wrong (bare CR or LF, no size, overflow, missing CRLF, white space at the end of a size's line, an extension that is
   none, a control byte, a size line over CHUNK_LINE_MAX or a trailer section over TRAILER_MAX, or a trailer line that a
   head wouldn't have either), or 413 when BODY_DISCARD_MAX bytes have been taken and there are more. On 400 and 413
   *used is what came before. However the bytes are split, the answer and the sum of *used are the same. */
int body_discard(struct body *body, const char *bytes, size_t len, size_t *used);

/* Whether a length announced up front is already beyond what will be discarded. */
bool body_too_long(const struct request *request);

#endif
