/* Elements are only recorded while reading; what "*" stands for is decided when asked, since "*" may come first and
   the codings it doesn't mean after it, or on another line. */
#include "protocol/accept_encoding.h"

static const struct {
    const char *name;
    enum content_coding coding;
} names[] = {
    {"br", CODING_BR},       {"gzip", CODING_GZIP}, {"identity", CODING_IDENTITY},
    {"x-gzip", CODING_GZIP}, {"zstd", CODING_ZSTD},
};

void accept_encoding_init(struct accept_encoding *accept) {
    *accept = (struct accept_encoding){0};
}

/* qvalue (RFC 9110 12.4.2): "0" or "1", at most three decimals, and nothing above 1. */
static bool read_quality(struct slice text, uint16_t *quality) {
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1'))
        return false;
    if (text.len > 1 && text.at[1] != '.')
        return false;
    unsigned value = text.at[0] == '1' ? 1000 : 0;
    unsigned scale = 100;
    for (size_t i = 2; i < text.len; i++, scale /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value += (unsigned)(text.at[i] - '0') * scale;
    }
    *quality = (uint16_t)value;
    return value <= 1000;
}

/* Splits an element into its name and weight. False: malformed. */
static bool read_element(struct slice element, struct slice *name, uint16_t *quality) {
    const char *semicolon = memchr(element.at, ';', element.len);
    *quality = 1000;
    *name = element;
    if (!semicolon)
        return true;
    name->len = (size_t)(semicolon - element.at);
    *name = slice_trim(*name);
    struct slice weight = slice_trim(slice_from(element, (size_t)(semicolon - element.at) + 1));
    if (weight.len < 2 || ascii_lower(weight.at[0]) != 'q' || weight.at[1] != '=')
        return false;
    return read_quality(slice_from(weight, 2), quality);
}

static void record(struct accept_encoding *accept, enum content_coding coding, uint16_t quality) {
    accept->named |= (uint8_t)(1u << coding);
    if (quality > accept->quality[coding])
        accept->quality[coding] = quality;
}

void accept_encoding_add(struct accept_encoding *accept, struct slice value) {
    struct slice element, name;
    uint16_t quality;
    while (slice_next_element(&value, &element)) {
        if (!read_element(element, &name, &quality))
            continue;
        if (slice_equal(name, SLICE("*"))) {
            accept->star_named = true;
            if (quality > accept->star)
                accept->star = quality;
        }
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (slice_equal_nocase(name, slice_of(names[i].name)))
                record(accept, names[i].coding, quality);
    }
}

uint16_t accept_encoding_quality(const struct accept_encoding *accept, enum content_coding coding) {
    if (accept->named & 1u << coding)
        return accept->quality[coding];
    if (coding == CODING_IDENTITY)
        return accept->star_named && accept->star == 0 ? 0 : 1;
    return accept->star;
}

enum content_coding accept_encoding_choose(const struct accept_encoding *accept, unsigned available) {
    static const enum content_coding by_preference[] = {CODING_BR, CODING_ZSTD, CODING_GZIP, CODING_IDENTITY};
    enum content_coding best = CODING_IDENTITY;
    uint16_t best_quality = 0;
    for (size_t i = 0; i < CODING_COUNT; i++) {
        enum content_coding coding = by_preference[i];
        uint16_t quality = available & 1u << coding ? accept_encoding_quality(accept, coding) : 0;
        if (quality > best_quality) {
            best = coding;
            best_quality = quality;
        }
    }
    return best;
}
