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

struct slice engine_input_proxy_header(const struct engine_input *input) {
    static const char v1[] = "PROXY TCP4 192.0.2.1 192.0.2.9 1 80\r\n";
    static const char v2[16 + 0x40] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x40\x0a\2\2\2\xc0\0\2\x9\0\1\0\x50";
    switch (input->more & 3) {
    case 2:
        return (struct slice){v1, sizeof v1 - 1};
    case 3:
        return (struct slice){v2, sizeof v2};
    default:
        return (struct slice){0};
    }
}
