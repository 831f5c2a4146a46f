/* Entity tags in If-Match and If-None-Match (RFC 9110 8.8.3, 13.1.1, 13.1.2). */
#ifndef ETAG_H
#define ETAG_H

#include "base/slice.h"

/* Whether `value` is "*" alone: any current representation. */
bool etag_is_any(struct slice value);

/* Whether `tag`, a strong entity tag with its quotes, is in a comma-separated list. `weak` asks for weak comparison,
   where W/ makes no difference (If-None-Match); without it an element with W/ never matches (If-Match) (8.8.3.2).
   A comma between quotes is part of a tag. Of a malformed list, what comes before the defect counts. */
bool etag_list_matches(struct slice list, struct slice tag, bool weak);

#endif
