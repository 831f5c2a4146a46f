/* Byte ranges. The ranges taken so far are pairwise apart (a byte or more between them); a new one is joined with all
   that it overlaps or touches, which can't make the result touch another, since that one would have touched a part. */
#include "protocol/range.h"

/* RFC 9110 14.1.1 sets no bound on a number's digits: one beyond uint64_t reads as UINT64_MAX, past any file's end. */
static uint64_t number_of(struct slice digits) {
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return UINT64_MAX;
        value = value * 10 + digit;
    }
    return value;
}

static struct slice take_digits(struct slice *s) {
    struct slice digits = {s->at, 0};
    while (digits.len < s->len && s->at[digits.len] >= '0' && s->at[digits.len] <= '9')
        digits.len++;
    *s = slice_from(*s, digits.len);
    return digits;
}

/* Compares the digits themselves, so numbers beyond uint64_t are in order too. */
static bool is_greater(struct slice a, struct slice b) {
    while (a.len > 0 && a.at[0] == '0')
        a = slice_from(a, 1);
    while (b.len > 0 && b.at[0] == '0')
        b = slice_from(b, 1);
    if (a.len != b.len)
        return a.len > b.len;
    return a.len > 0 && memcmp(a.at, b.at, a.len) > 0;
}

/* Reads one range-spec (RFC 9110 14.1.1). False: malformed. An unsatisfiable one gets the length 0. */
static bool read_spec(struct slice spec, uint64_t size, struct range *range) {
    struct slice first = take_digits(&spec);
    if (spec.len == 0 || spec.at[0] != '-')
        return false;
    spec = slice_from(spec, 1);
    struct slice last = take_digits(&spec);
    if (spec.len > 0)
        return false;
    if (first.len == 0) {
        if (last.len == 0)
            return false;
        uint64_t len = number_of(last);
        range->len = len < size ? len : size;
        range->first = size - range->len;
        return true;
    }
    if (last.len > 0 && is_greater(first, last))
        return false;
    range->first = number_of(first);
    range->len = 0;
    if (range->first < size) {
        uint64_t most = size - range->first;
        uint64_t reach = last.len > 0 ? number_of(last) - range->first : UINT64_MAX; /* the length less one */
        range->len = reach < most ? reach + 1 : most;
    }
    return true;
}

static bool touches(const struct range *a, const struct range *b) {
    return a->first <= b->first + b->len && b->first <= a->first + a->len;
}

static struct range join(const struct range *a, const struct range *b) {
    uint64_t first = a->first < b->first ? a->first : b->first;
    uint64_t a_end = a->first + a->len, b_end = b->first + b->len;
    return (struct range){first, (a_end > b_end ? a_end : b_end) - first};
}

/* Adds one in the place of the earliest that it touches, or last. Returns the new count. */
static int add(struct range *out, int count, struct range new) {
    int place = -1, kept = 0;
    for (int i = 0; i < count; i++) {
        if (touches(&out[i], &new)) {
            new = join(&out[i], &new);
            if (place < 0)
                place = kept++;
        } else {
            out[kept++] = out[i];
        }
    }
    if (place < 0)
        place = kept++;
    out[place] = new;
    return kept;
}

enum range_result range_parse(struct slice value, uint64_t size, struct range *out, int *count) {
    static const struct slice unit = {"bytes=", 6};
    *count = 0;
    if (size == 0 || value.len < unit.len || !slice_equal_nocase((struct slice){value.at, unit.len}, unit))
        return RANGE_IGNORE;
    struct slice list = slice_from(value, unit.len), spec;
    struct range range;
    int asked = 0, n = 0;
    while (slice_next_element(&list, &spec)) {
        if (++asked > RANGE_COUNT_MAX || !read_spec(spec, size, &range))
            return RANGE_IGNORE;
        if (range.len > 0)
            n = add(out, n, range);
    }
    if (asked == 0)
        return RANGE_IGNORE;
    *count = n;
    return n > 0 ? RANGE_SOME : RANGE_UNSATISFIABLE;
}
