/* Pages that are no files: whoever gives this to the site makes them when they are asked for. Their paths come before
   all else that a path may lead to, and they are answered like a file. */
#ifndef MADE_H
#define MADE_H

#include "protocol/request.h"
#include "site/text.h"

struct asker;

enum { MADE_NONE = -1, MADE_PATH_MAX = 255 };

struct made {
    struct slice path; /* theirs, and all beneath it: decoded, without its leading slash; at most MADE_PATH_MAX bytes */
    /* Which page a request is for, `rest` being its path without the above; 0 to 25. MADE_NONE: none, or not for this
       client; then it is as if they weren't there. */
    int (*find)(const struct made *made, const struct request *request, const struct asker *asker, struct slice rest);
    /* Makes it: without waiting, and in whatever thread. Its type, and fields of its own, each with its CRLF. */
    void (*make)(const struct made *made, int page, struct text *text, const char **type, const char **fields);
};

#endif
