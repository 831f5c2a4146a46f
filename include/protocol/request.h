/* A request head (RFC 9112 2 to 6), parsed in one go into slices of the buffer it lies in. Strict wherever leniency
   lets requests be smuggled. Copies nothing, keeps no state, reads not a byte beyond what it is given. */
#ifndef REQUEST_H
#define REQUEST_H

#include "base/slice.h"

#include <stdint.h>

enum request_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_OTHER,   /* registered by IANA, not served: 405 (POST, PUT, DELETE, PATCH, TRACE, CONNECT and WebDAV's) */
    METHOD_UNKNOWN, /* a token that nobody registered: 501 */
};

/* The fields that httpd acts on. Any other is checked for its syntax and skipped. */
enum request_field {
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_RANGE,
    FIELD_IF_RANGE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_AUTHORIZATION,
    FIELD_USER_AGENT,
    FIELD_REFERER,
    FIELD_X_FORWARDED_FOR,
    FIELD_FORWARDED,
    FIELD_SEC_FETCH_DEST,
    FIELD_SEC_FETCH_MODE,
    FIELD_ORIGIN,
    FIELD_COUNT
};

enum request_body {
    BODY_NONE,
    BODY_LENGTH,  /* body_len bytes follow (> 0) */
    BODY_CHUNKED, /* Transfer-Encoding: chunked, and nothing else */
};

struct request {
    enum request_method method;
    struct slice method_name;
    int minor_version;      /* 0 for HTTP/1.0, 1 for 1.1 and any later 1.x (RFC 9110 2.5) */
    struct slice line;      /* the request line without its CRLF */
    struct slice target;    /* as it was sent */
    struct slice path;      /* of the target, raw: begins with '/'; "*" for OPTIONS *, empty for CONNECT */
    struct slice query;     /* with its '?'; empty when there is none */
    struct slice authority; /* host[:port]: of an absolute target or CONNECT's, else of Host; may be empty */
    bool path_plain;        /* path_is_plain(path) */
    bool keep_alive;        /* RFC 9112 9.3, as the client asks; never after CONNECT */
    bool expect_continue;   /* Expect: 100-continue, in HTTP/1.1 */
    enum request_body body;
    uint64_t body_len;
    uint32_t seen;                    /* bit i: fields[i] was sent, maybe empty. Unseen fields[] are not initialised. */
    uint32_t repeated;                /* bit i: a list field came in several lines, and fields[i] is the first */
    struct slice lines;               /* all field lines, each with its CRLF, without the empty line */
    struct slice fields[FIELD_COUNT]; /* trimmed */
};

enum { REQUEST_INCOMPLETE = -1 };

static inline bool request_has(const struct request *request, enum request_field field) {
    return request->seen >> field & 1;
}

/* The value, or an empty slice when the field wasn't sent. */
static inline struct slice request_value(const struct request *request, enum request_field field) {
    return request_has(request, field) ? request->fields[field] : (struct slice){0};
}

/* Walks the values of all lines of one field, for a list that may be spread over several: start with *cursor = 0; false
   when there are no more. Values are trimmed. */
bool request_next_line(const struct request *request, enum request_field field, size_t *cursor, struct slice *value);

/* Parses the head at the start of bytes. Returns
     0                    a whole, well-formed request; *head_len is set past its final CRLF (leading empty lines
                          included), `request` holds slices of `bytes`;
     REQUEST_INCOMPLETE   so far nothing is wrong and more is needed (never when len >= head_max: then it is 501
                          in the method, which is longer than any (RFC 9112 3), 414 in the rest of the request
                          line, else 431);
     a status             the request can't be served and what follows can't be trusted: answer it and close.
   A byte that can't stand where it does is told at once, a bad value at the end of its target or line. The first fault
   decides, so a prefix of a request is either incomplete or has the verdict of the whole; and bytes after a head, or
   beyond head_max, change nothing. What is already parsed of `request` when a status is returned: method, method_name,
   line and minor_version are valid (METHOD_UNKNOWN, empty, empty, 1 if not reached), nothing else.

   Rules (each has its test):

   Lines end with CRLF, a bare CR or LF is 400; EMPTY_LINES_MAX empty lines may come first. Exactly one SP between the
   parts of the request line; method and field names are tokens; field values hold VCHAR, SP, HTAB and obs-text only;
   no white space before the colon, no obs-fold, no white space before the first field line; over FIELD_COUNT_MAX
   fields 431.

   Target: over TARGET_MAX 414; it holds no control byte, SP, '"', '<', '>' or '#' (400). Of what RFC 3986 has escaped
   besides, '\\', '^', '`', '{', '|' and '}' are let through, for browsers send them in a query as they are (URL
   Standard, query percent-encode set); and obs-text bytes (0x80 to 0xff), as raw IRIs bring them. Forms: origin;
   absolute (http and https, any case; an empty path is "/"; with a host, without userinfo); asterisk for OPTIONS only;
   host:port for CONNECT and nothing but that. Others are 400.

   Version: "HTTP/1.x", x a digit; another major digit >= 2 is 505 at the end of the line, but the HTTP/2 preface
   ("PRI * HTTP/2.0") is 400, as are "HTTP/0.x", "HTTP/1.10" and a request line without version.

   Host: exactly one in 1.1, at most one in 1.0, its value empty or uri-host [":" port] (a registered name or IPv4, or
   an IP literal in brackets without a zone; with a port the host isn't empty; a port is empty or at most 65535), also
   when the target is absolute (whose authority then wins, RFC 9112 3.2.2). A registered name may be "..": who makes a
   path of it must look.

   Content-Length: digits only, no list, no sign, no overflow, once; 0 is BODY_NONE.

   Transfer-Encoding: with Content-Length, in HTTP/1.0, or in two lines 400; exactly "chunked" (any case) is
   BODY_CHUNKED; chunked not last, twice or with a parameter, or an empty element, is 400; another coding is 501,
   whether or not chunked follows (RFC 9112 6.1 and 6.3).

   Expect: other than 100-continue is 417; in HTTP/1.0 ignored.

   Connection: "close" wins over "keep-alive", over all lines; any other element, a token or not, is ignored. CONNECT
   ends the connection whatever it says: bytes that were meant for the tunnel may follow (RFC 9931).

   Repeated fields (RFC 9110 5.3): of the lists If-Match, If-None-Match, Accept, Accept-Encoding, X-Forwarded-For,
   Forwarded and Connection the first line stands in fields[], its bit in `repeated` is set, and request_next_line walks
   them all; of User-Agent, Referer, Sec-Fetch-Dest, Sec-Fetch-Mode and Origin the first line stands; any other of enum
   request_field is 400. */
int request_parse(const char *bytes, size_t len, size_t head_max, struct request *request, size_t *head_len);

#endif
