/* An input of fuzz_engine.c: numbers, the control bytes, and what the client sends. */
#ifndef ENGINE_INPUT_H
#define ENGINE_INPUT_H

#include "fuzz.h"

enum { INPUT_MORE = 128 }; /* in `flags`: `more` and `repeat` follow the first two numbers; else they are 0 */

struct engine_input {
    unsigned flags;  /* which site, and limits */
    unsigned more;   /* who is in front, who watches, how slowly it is read */
    unsigned repeat; /* how often the first two requests are said */
    struct slice control, stream;
};

static inline struct engine_input engine_input_read(const uint8_t *data, size_t size) {
    struct input input = {data, data + size};
    struct engine_input read = {.flags = input_byte(&input)};
    size_t control_len = input_byte(&input);
    if (read.flags & INPUT_MORE) {
        read.more = input_byte(&input);
        read.repeat = input_byte(&input);
    }
    struct slice rest = input_rest(&input);
    read.control = (struct slice){rest.at, control_len < rest.len ? control_len : rest.len};
    read.stream = slice_from(rest, read.control.len);
    return read;
}

enum { INPUT_STREAM_MAX = 16 * 1024 };

/* Writes what the client sends, which is no longer than that, to `stream`, which has room for a byte more. */
struct slice engine_input_stream(const struct engine_input *input, char *stream);

/* What comes before that, where the balancer in front, which is trusted, says from whom the connection is: a client, or
   another balancer that is trusted. Else empty: where `more & 3` is 0 there is no balancer. */
struct slice engine_input_proxy_header(const struct engine_input *input);

#endif
