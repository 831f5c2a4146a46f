/* The first two requests are repeated so often as the halves of `repeat` say. */
#define _GNU_SOURCE
#include "engine_input.h"

#include <string.h>

/* The whole request at the start, if it has no body. */
static struct slice first_request(struct slice text) {
    const char *end = text.len > 0 ? memmem(text.at, text.len, "\r\n\r\n", 4) : NULL;
    return (struct slice){text.at, end ? (size_t)(end + 4 - text.at) : 0};
}

static unsigned times(unsigned nibble) {
    return nibble < 8 ? nibble + 1 : (nibble - 6) * 8;
}

struct slice engine_input_stream(const struct engine_input *input, char *stream) {
    struct slice rest = input->stream;
    unsigned repeat = input->repeat;
    size_t len = 0;
    for (int i = 4; repeat && i >= 0; i -= 4) {
        struct slice request = first_request(rest);
        unsigned count = times(repeat >> i & 15);
        if (request.len == 0 || len + request.len * count + rest.len > INPUT_STREAM_MAX)
            break;
        for (; count > 0; count--, len += request.len)
            memcpy(stream + len, request.at, request.len);
        rest = slice_from(rest, request.len);
    }
    memcpy(stream + len, rest.at, rest.len);
    len += rest.len;
    /* A verdict may wait for the end of a line: so that none is outstanding at the end, there is one. */
    stream[len] = '\n';
    return (struct slice){stream, len + 1};
}
