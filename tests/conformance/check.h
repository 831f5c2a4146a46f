/* check - holds a reply to its row, and to the rules that are the same for every reply.
 *
 * Faults are appended as sentences to a byte string; nothing appended means that all is well. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include "bytes.h"
#include "expand.h"
#include "reply.h"
#include "row.h"

/* What RFC 9110, RFC 9112 and this server's promises ask of any reply. custom_body: the row says what the body is. */
void check_any(const struct reply *, bool to_head, bool custom_body, struct bytes *faults);

/* What the row asks of its last reply. The tags that its fields mention are known already. */
void check_row(const struct row *, const struct reply *, struct tags *, struct bytes *faults);

/* A multipart/byteranges body of those slices of the alphabet ("0-1 4-5"), exactly. */
void check_parts(const struct reply *, const char *ranges, struct bytes *faults);

#endif
