/* Conditional requests (RFC 9110 13). */
#ifndef CONDITIONAL_H
#define CONDITIONAL_H

#include "protocol/request.h"

#include <stdbool.h>
#include <stdint.h>

/* What the selected representation is known by. */
struct validators {
    struct slice etag; /* strong, with its quotes */
    bool dated;
    bool stamped; /* mtime isn't a time (file_head.c folds those in the future): dates are only compared for equality */
    int64_t mtime; /* Last-Modified, when dated */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of 13.2.2 for GET and HEAD.
   Returns 0 (go on), 304 or 412. */
int conditional_status(const struct request *request, const struct validators *validators, int64_t now_seconds);

/* Whether a Range field is to be honoured: there is no If-Range, or it names just this representation (13.1.5). */
bool conditional_range(const struct request *request, const struct validators *validators, int64_t now_seconds);

#endif
