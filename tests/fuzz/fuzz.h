/* What the fuzz targets share: a place for the bytes under test, and a way to get numbers out of an input. A broken
   promise is a CHECK, which aborts: libFuzzer keeps the input. */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/check.h"
#include "base/slice.h"

#include <sanitizer/asan_interface.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM_LEN = 64 * 1024 };

/* Memory of which just the bytes put there may be touched: one more on either side is a report. Cheaper than a heap
   copy by a factor of ten. */
struct room {
    _Alignas(16) char bytes[ROOM_LEN];
    size_t first, len;
};

static inline void room_clear(struct room *room) {
    ASAN_POISON_MEMORY_REGION(room->bytes, sizeof room->bytes);
    room->first = room->len = 0;
}

/* Moves what may be touched: `len` bytes, the first of which lies at a multiple of 8. */
static inline char *room_for(struct room *room, size_t first, size_t len) {
    ASAN_POISON_MEMORY_REGION(room->bytes + room->first, room->len);
    room->first = 16 + first % 8 * 8;
    room->len = len;
    CHECK(room->first + len + 16 <= ROOM_LEN);
    ASAN_UNPOISON_MEMORY_REGION(room->bytes + room->first, len);
    return room->bytes + room->first;
}

/* A copy of the bytes. */
static inline char *room_put(struct room *room, size_t first, const void *bytes, size_t len) {
    char *at = room_for(room, first, len);
    if (len > 0)
        memcpy(at, bytes, len);
    return at;
}

/* The first byte that may not be touched any more; for a room that isn't used at once again. */
static inline void room_shut(struct room *room) {
    ASAN_POISON_MEMORY_REGION(room->bytes + room->first, room->len);
    room->len = 0;
}

/* An input is numbers first, then the text. */
struct input {
    const uint8_t *at, *end;
};

static inline unsigned input_byte(struct input *input) {
    return input->at < input->end ? *input->at++ : 0;
}

static inline unsigned input_pair(struct input *input) {
    unsigned high = input_byte(input);
    return high << 8 | input_byte(input);
}

static inline struct slice input_rest(const struct input *input) {
    return (struct slice){(const char *)input->at, (size_t)(input->end - input->at)};
}

/* Puts a text in the room; an input byte over 0xf0 has one of its bytes repeated some thousand times, so that the
   bounds are reached by small inputs, which are mutated and run faster. */
static inline struct slice room_inflate(struct room *room, struct slice text, unsigned how, unsigned where) {
    size_t more = how > 0xf0 && text.len > 0 ? (how - 0xf0) * 1100 : 0, at = more ? where % text.len : 0;
    char *to = room_for(room, where, text.len + more);
    if (text.len == 0)
        return (struct slice){to, 0};
    memcpy(to, text.at, at);
    memset(to + at, text.at[at], more);
    memcpy(to + at + more, text.at + at, text.len - at);
    return (struct slice){to, text.len + more};
}

#endif
