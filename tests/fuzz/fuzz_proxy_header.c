/* proxy_header_parse: whatever the bytes, a prefix of a header is incomplete, a bad beginning stays bad, and what
   follows changes nothing; and the address that a header gives is the one that stands in it. */
#include "base/bounds.h"
#include "fuzz.h"
#include "protocol/proxy_header.h"

static struct room room;

static ssize_t parse(struct slice bytes, size_t len, size_t max, struct address *from) {
    memset(from, 0xa5, sizeof *from);
    return proxy_header_parse(room_put(&room, len, bytes.at, len), len, max, from);
}

/* Version 1 has it in one canonical form if it is IPv4, and in any if it is IPv6. */
static void check_v1(struct slice header, const struct address *from) {
    char text[ADDRESS_TEXT_MAX + 1];
    CHECK(header.len <= 107 && slice_starts(header, SLICE("PROXY ")) && slice_ends(header, SLICE("\r\n")));
    CHECK(!memchr(header.at, '\n', header.len - 1));
    if (from->kind == ADDRESS_NONE) {
        CHECK(slice_starts(header, SLICE("PROXY UNKNOWN")));
        return;
    }
    if (!slice_starts(header, SLICE("PROXY TCP4 "))) {
        CHECK(slice_starts(header, SLICE("PROXY TCP6 ")));
        return;
    }
    size_t len = address_format(from, text);
    text[len++] = ' ';
    CHECK(address_is_v4(from) && slice_starts(slice_from(header, 11), (struct slice){text, len}));
}

static void check_v2(struct slice header, const struct address *from) {
    unsigned command = (uint8_t)header.at[12], family = (uint8_t)header.at[13] >> 4;
    CHECK(header.len == 16u + ((uint8_t)header.at[14] << 8 | (uint8_t)header.at[15]));
    CHECK(command == 0x20 || command == 0x21);
    if (command == 0x20 || family == 0 || family == 3)
        CHECK(from->kind == ADDRESS_NONE);
    else if (family == 1)
        CHECK(address_is_v4(from) && memcmp(from->bytes + 12, header.at + 16, 4) == 0);
    else
        CHECK(family == 2 && from->kind == ADDRESS_IP && memcmp(from->bytes, header.at + 16, 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t maxes[] = {HEAD_MAX_LEAST, 1024, HEAD_MAX_DEFAULT, HEAD_MAX_MOST};
    struct input input = {data, data + size};
    unsigned how = input_byte(&input), cut = input_pair(&input);
    size_t max = maxes[how & 3];
    struct slice bytes = input_rest(&input);
    struct address from, other;
    if (room.first == 0)
        room_clear(&room);
    if (bytes.len > ROOM_LEN / 2)
        return 0;
    ssize_t got = parse(bytes, bytes.len, max, &from);
    size_t some = bytes.len ? cut % bytes.len : 0;
    ssize_t before = parse(bytes, some, max, &other);
    CHECK(got >= PROXY_HEADER_BAD && got <= (ssize_t)bytes.len && got <= (ssize_t)max);
    if (got == PROXY_HEADER_INCOMPLETE)
        CHECK(bytes.len < max && before == PROXY_HEADER_INCOMPLETE);
    if (before != PROXY_HEADER_INCOMPLETE)
        CHECK(before == got);
    if (got <= 0)
        return 0;
    struct slice header = {bytes.at, (size_t)got};
    CHECK(some >= header.len ? memcmp(&other, &from, sizeof from) == 0 : before == PROXY_HEADER_INCOMPLETE);
    CHECK(parse(header, header.len, max, &other) == got && memcmp(&other, &from, sizeof from) == 0);
    CHECK(from.kind == ADDRESS_NONE || from.kind == ADDRESS_IP);
    if (header.at[0] == 'P')
        check_v1(header, &from);
    else
        check_v2(header, &from);
    return 0;
}
