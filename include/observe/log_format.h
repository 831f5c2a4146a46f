/* What a line of the access log holds: literal text and names, as in nginx's log_format, compiled once. */
#ifndef LOG_FORMAT_H
#define LOG_FORMAT_H

#include "base/bounds.h"
#include "base/slice.h"
#include "protocol/request.h"

#include <stdbool.h>
#include <stdint.h>

enum log_name {
    LOG_NOTHING, /* behind the last literal */
    /* Of the request: known when it comes. */
    LOG_REMOTE_ADDR,
    LOG_REMOTE_PORT,
    LOG_REMOTE_USER,
    LOG_REQUEST,
    LOG_REQUEST_METHOD,
    LOG_REQUEST_URI,
    LOG_ARGS,
    LOG_SERVER_PROTOCOL,
    LOG_REQUEST_LENGTH,
    LOG_HTTP_FIELD,
    LOG_CONNECTION,
    LOG_CONNECTION_REQUESTS,
    /* Of its end. */
    LOG_STATUS,
    LOG_BYTES_SENT,
    LOG_BODY_BYTES_SENT,
    LOG_REQUEST_TIME,
    LOG_REQUEST_COMPLETION,
    LOG_TIME_LOCAL,
    LOG_TIME_ISO8601,
    LOG_MSEC,
    LOG_PID,
    /* For people at a terminal: no user's to choose. */
    LOG_CLOCK,
    LOG_COLOUR,
    LOG_PLAIN,
    LOG_SIZE,
    LOG_DURATION,
    LOG_NAME_COUNT
};

struct log_part {
    struct slice literal; /* stands before it; within the text, or constant */
    enum log_name name;
    uint8_t value; /* of values[] */
};

/* What a request brings, of which bytes are kept until its reply has left. */
struct log_value {
    enum log_name from;       /* LOG_REQUEST (the whole line), LOG_REMOTE_USER or LOG_HTTP_FIELD */
    enum request_field field; /* FIELD_COUNT: one that the parser doesn't know, by its name */
    char name[64];            /* lower case, '_' for '-' */
};

struct log_format {
    struct log_part parts[LOG_PARTS_MAX];
    unsigned part_count;
    struct log_value values[LOG_VALUES_MAX];
    unsigned value_count;
    size_t fixed_max; /* the longest line without what its values have beyond LOG_VALUE_LEAST */
    bool json;        /* the text begins with '{': values are escaped for JSON strings */
};

/* Compiles "common", "combined", "json" or a text that holds names, which must outlive the format. False, with what is
   wrong and what is allowed in `error`. */
bool log_format_compile(struct log_format *format, const char *text, char *error, size_t error_size);

/* Short lines for somebody who watches. */
void log_format_for_terminal(struct log_format *format, bool colours);

#endif
