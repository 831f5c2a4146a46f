/* range_parse: held against a reader that keeps every range asked for and merges by trying all pairs until nothing
   changes, in numbers that can't overflow. */
#include "base/bounds.h"
#include "fuzz.h"
#include "protocol/range.h"

typedef unsigned __int128 wide;

#define BEYOND ((wide)1 << 100) /* any number that doesn't fit */

struct span {
    wide first, end;
};

static wide number_of(struct slice digits) {
    wide value = 0;
    for (size_t i = 0; i < digits.len && value < BEYOND; i++)
        value = value * 10 + (unsigned)(digits.at[i] - '0');
    return value < BEYOND ? value : BEYOND;
}

static bool all_digits(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return true;
}

static bool is_less(struct slice a, struct slice b) {
    size_t len = a.len > b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        char x = i + a.len >= len ? a.at[i + a.len - len] : '0', y = i + b.len >= len ? b.at[i + b.len - len] : '0';
        if (x != y)
            return x < y;
    }
    return false;
}

/* False: malformed. An empty span: it lies beyond the file. */
static bool read_spec(struct slice spec, uint64_t size, struct span *span) {
    const char *dash = memchr(spec.at, '-', spec.len);
    if (!dash)
        return false;
    struct slice first = {spec.at, (size_t)(dash - spec.at)}, last = slice_from(spec, first.len + 1);
    if (!all_digits(first) || !all_digits(last) || first.len + last.len == 0)
        return false;
    if (first.len == 0) {
        wide len = number_of(last);
        *span = (struct span){len < size ? size - len : 0, size};
        return true;
    }
    if (last.len && is_less(last, first))
        return false;
    *span = (struct span){number_of(first), last.len ? number_of(last) + 1 : size};
    if (span->end > size)
        span->end = size;
    if (span->first >= size)
        span->first = span->end = 0;
    return true;
}

/* Joins one pair that overlaps or touches: into the place of the earlier. */
static bool merge_one(struct span *spans, int *count) {
    for (int i = 0; i < *count; i++)
        for (int k = i + 1; k < *count; k++) {
            if (spans[i].first > spans[k].end || spans[k].first > spans[i].end)
                continue;
            if (spans[k].first < spans[i].first)
                spans[i].first = spans[k].first;
            if (spans[k].end > spans[i].end)
                spans[i].end = spans[k].end;
            memmove(spans + k, spans + k + 1, (size_t)(--*count - k) * sizeof *spans);
            return true;
        }
    return false;
}

static enum range_result reference(struct slice value, uint64_t size, struct span *spans, int *count) {
    static const char unit[] = "bytes=";
    int asked = 0;
    *count = 0;
    for (size_t i = 0; i < 6; i++)
        if (i >= value.len || ascii_lower(value.at[i]) != unit[i])
            return RANGE_IGNORE;
    for (size_t at = 6, end; at < value.len; at = end + 1) {
        for (end = at; end < value.len && value.at[end] != ',';)
            end++;
        struct slice spec = {value.at + at, end - at};
        while (spec.len && memchr(" \t", spec.at[0], 2))
            spec = slice_from(spec, 1);
        while (spec.len && memchr(" \t", spec.at[spec.len - 1], 2))
            spec.len--;
        if (spec.len == 0)
            continue;
        if (++asked > RANGE_COUNT_MAX || !read_spec(spec, size, &spans[*count]))
            return RANGE_IGNORE;
        *count += spans[*count].first < spans[*count].end;
    }
    while (merge_one(spans, count))
        ;
    return asked == 0 || size == 0 ? RANGE_IGNORE : *count > 0 ? RANGE_SOME : RANGE_UNSATISFIABLE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct room room, out_room;
    static const uint64_t sizes[] = {0, 1, 2, 10, 1000, 1 << 20, UINT64_C(5) << 30, INT64_MAX, UINT64_MAX};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct input input = {data, data + size};
    struct span spans[RANGE_COUNT_MAX + 1];
    unsigned kind = input_byte(&input), how = input_byte(&input), where = input_byte(&input);
    uint64_t file_size = kind < 2 * SIZES ? sizes[kind % SIZES] - kind / SIZES : kind;
    int count = -1, wanted_count;
    if (room.first == 0) {
        room_clear(&room);
        room_clear(&out_room);
    }
    struct slice value = room_inflate(&room, input_rest(&input), how, where);
    struct range *out = (struct range *)(void *)room_for(&out_room, 0, sizeof *out * RANGE_COUNT_MAX);
    enum range_result result = range_parse(value, file_size, out, &count);
    CHECK(result == reference(value, file_size, spans, &wanted_count));
    if (result != RANGE_SOME)
        return 0;
    CHECK(count == wanted_count && count >= 1 && count <= RANGE_COUNT_MAX);
    for (int i = 0; i < count; i++)
        CHECK(out[i].len > 0 && out[i].first == spans[i].first && out[i].len == spans[i].end - spans[i].first);
    return 0;
}
