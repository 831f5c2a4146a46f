/* row - one line of the conformance table: bytes to send, and what must come back.
 *
 * Whatever a row says, check.c also holds every reply to the rules that are the same for all of them: the syntax of
 * RFC 9112, Date, framing, `Connection: close` exactly when the server closes, nosniff, the fields that a status asks
 * for. A row names only what is special about it.
 *
 * In requests and in expected fields these marks stand for other bytes:
 *   <etag:/path>         the ETag that GET /path is answered with by this server
 *   <etag:/path coding>  the same for a request with Accept-Encoding: coding
 *   <repeat:N:text>      text, N times
 *   <ranges:N>           N ranges of one byte, every other byte from 0 on
 */
#ifndef TEST_ROW_H
#define TEST_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "fixture.h"

enum row_after { AFTER_UNSAID, AFTER_OPEN, AFTER_CLOSED };
enum row_body { BODY_ANY, BODY_EXACT, BODY_LENGTH, BODY_PARTS };

struct row {
    const char *name;
    const char *cite; /* RFC and section */
    const char *request;
    size_t request_len;
    int status;       /* NONE: closed without a reply */
    int other_status; /* also right, where RFCs leave the choice; 0 for none. All models must choose the same */
    enum row_after after;
    bool half_close;                /* the client says that it won't send more */
    bool as_user;                   /* means nothing when root runs the server */
    const int *before;              /* statuses of the replies that come first, HEAD_OF'd where needed, ended by 0 */
    bool to_head;                   /* the last request is a HEAD; only needed with before */
    const char *const *fields;      /* "Name: value", "Name" (there), "!Name" (not there), "Name~part" (contains) */
    const char *const *contains;    /* parts of the body, in order; white space outside JSON strings is not counted */
    const char *const *contains_no; /* what the body must not have anywhere */
    enum row_body body_kind;
    const char *body; /* for BODY_PARTS "0-1 4-5", slices of the alphabet */
    size_t body_len;
};

/* Builds what a group of rows is run on: `root` beneath the folder is served. */
typedef void row_site(struct fixture *);

struct group {
    const char *name;
    row_site *site;
    const char *const *args; /* more options for the server; <dir> stands for the fixture's folder */
    const struct row *rows;
    size_t row_count;
};

enum { NONE = 0 };

#define ROW(name_, cite_, request_, status_, ...)                                                                      \
    {                                                                                                                  \
        .name = name_, .cite = cite_, .request = request_, .request_len = sizeof(request_) - 1, .status = status_,     \
        __VA_ARGS__                                                                                                    \
    }
#define GROUP(name_, site_, rows_, ...)                                                                                \
    {                                                                                                                  \
        .name = name_, .site = site_, .rows = rows_, .row_count = sizeof(rows_) / sizeof(rows_)[0],                    \
        .args = (const char *const[]) {                                                                                \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

/* Requests. FIELDS is one string of whole field lines; all but RAW end the head. */
#define REQUEST(method, target, fields) method " " target " HTTP/1.1\r\nHost: localhost\r\n" fields "\r\n"
#define GET(target, fields) REQUEST("GET", target, fields)
#define HEAD(target, fields) REQUEST("HEAD", target, fields)
#define NEXT GET("/alpha.txt", "")

/* Expectations. */
#define OPEN .after = AFTER_OPEN
#define CLOSED .after = AFTER_CLOSED
#define OR(status_) .other_status = status_
#define HALF_CLOSE .half_close = true
#define AS_USER .as_user = true
#define TO_HEAD .to_head = true
#define HEAD_OF(status_) (-(status_))
#define AFTER(...)                                                                                                     \
    .before = (const int[]) {                                                                                          \
        __VA_ARGS__, 0                                                                                                 \
    }
#define TEN 200, 200, 200, 200, 200, 200, 200, 200, 200, 200
#define FIELDS(...)                                                                                                    \
    .fields = (const char *const[]) {                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define CONTAINS(...)                                                                                                  \
    .contains = (const char *const[]) {                                                                                \
        __VA_ARGS__, NULL                                                                                              \
    }
#define CONTAINS_NO(...)                                                                                               \
    .contains_no = (const char *const[]) {                                                                             \
        __VA_ARGS__, NULL                                                                                              \
    }
#define BODY(text) .body_kind = BODY_EXACT, .body = text, .body_len = sizeof(text) - 1
#define LENGTH(len) .body_kind = BODY_LENGTH, .body_len = len
#define EMPTY LENGTH(0)
#define PARTS(ranges) .body_kind = BODY_PARTS, .body = ranges

#define ALPHABET "abcdefghijklmnopqrstuvwxyz"
#define WHEN "Sun, 06 Nov 1994 08:49:37 GMT" /* the mtime of everything in every fixture */
enum { WHEN_SECONDS = 784111777 };
#define AHEAD_SECONDS INT64_C(4102444800) /* 2100-01-01 */

#endif
