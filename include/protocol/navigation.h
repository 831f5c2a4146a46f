/* Whether a request is a navigation (somebody follows a link), or one of a page that loads its parts. */
#ifndef NAVIGATION_H
#define NAVIGATION_H

#include "protocol/request.h"

/* The fields that decide, as Vary lists them. */
#define NAVIGATION_FIELDS "Accept, Sec-Fetch-Dest, Sec-Fetch-Mode"

/* What a browser says in Sec-Fetch-Mode or Sec-Fetch-Dest (Fetch Metadata) is true. Who sends neither, as crawlers,
   link previews and monitors do, navigates when Accept has text/html or, without a word about that, anything at all; a
   weight of 0 is a refusal (RFC 9110 12.5.1). Without Accept: no. */
bool navigation_asked(const struct request *request);

#endif
