/* A second reader of requests, written for nothing but to be obviously right: byte after byte, by the words of
   request.h and body.h, sharing no code with what it is held against. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "protocol/request.h"

#include <stdbool.h>
#include <stdint.h>

enum { REFERENCE_FIELDS = 21 };

struct reference {
    int status;    /* as request_parse says */
    size_t used;   /* bytes it took to know; with 0, those of the head */
    bool has_line; /* the request line was whole */
    int minor_version;
    enum request_method method;
    struct slice path, query, authority;
    bool keep_alive, expect_continue;
    enum request_body body;
    uint64_t body_len;
    struct slice values[REFERENCE_FIELDS]; /* the first of each, in the order of enum request_field */
    int counts[REFERENCE_FIELDS];
};

void reference_head(const char *bytes, size_t len, size_t head_max, struct reference *reference);

/* The body that follows a head, of which `discarded` bytes have gone before. As body_discard of all bytes at once. */
struct reference_body {
    int status;
    size_t used;
};
struct reference_body reference_body(enum request_body kind, uint64_t body_len, const char *bytes, size_t len,
                                     size_t discarded);

#endif
