/* One-shot: while a header isn't whole it is parsed from its beginning again, which is short. */
#include "protocol/proxy_header.h"

enum {
    V1_MAX = 107, /* "PROXY UNKNOWN", two addresses of 39 bytes, two ports, CRLF: so the specification */
    V2_LEN = 16,  /* before the addresses */
    V4_LEN = 4 + 4 + 2 + 2,
    V6_LEN = 16 + 16 + 2 + 2,
    UNIX_LEN = 108 + 108,
};

static const struct slice v1_start = {"PROXY ", 6};
static const struct slice v2_start = {"\r\n\r\n\0\r\nQUIT\n", 12};

/* Takes what stands before the next space, or all. */
static struct slice take_part(struct slice *line) {
    const char *space = line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;
    struct slice part = {line->at, space ? (size_t)(space - line->at) : line->len};
    *line = slice_from(*line, space ? part.len + 1 : part.len);
    return part;
}

/* Behind "PROXY ", without the CRLF. */
static bool parse_v1(struct slice line, struct address *from) {
    struct address to;
    struct slice family = take_part(&line);
    bool v6 = slice_equal(family, SLICE("TCP6"));
    if (slice_equal(family, SLICE("UNKNOWN")))
        return true;
    if (!v6 && !slice_equal(family, SLICE("TCP4")))
        return false;
    return address_parse_ip(take_part(&line), v6, from) && address_parse_ip(take_part(&line), v6, &to) &&
           address_parse_port(take_part(&line), &from->port) && address_parse_port(line, &to.port);
}

static ssize_t read_v1(struct slice bytes, size_t max, struct address *from) {
    size_t most = max < V1_MAX ? max : V1_MAX, searched = bytes.len < most ? bytes.len : most;
    const char *end = memchr(bytes.at, '\n', searched);
    if (!end)
        return searched < most ? PROXY_HEADER_INCOMPLETE : PROXY_HEADER_BAD;
    size_t len = (size_t)(end - bytes.at) + 1;
    if (bytes.at[len - 2] != '\r')
        return PROXY_HEADER_BAD;
    struct slice line = {bytes.at + v1_start.len, len - v1_start.len - 2};
    struct address address = {0};
    if (!parse_v1(line, &address))
        return PROXY_HEADER_BAD;
    *from = address;
    return (ssize_t)len;
}

static unsigned big_endian_16(const char *at) {
    return (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

/* How long the addresses of a family are, which is the high half of its byte; SIZE_MAX: there is no such. */
static size_t addresses_len(unsigned family) {
    static const uint8_t lens[] = {0, V4_LEN, V6_LEN, UNIX_LEN};
    return family >> 4 < sizeof lens && (family & 15) <= 2 ? lens[family >> 4] : SIZE_MAX;
}

static ssize_t read_v2(struct slice bytes, size_t max, struct address *from) {
    if (bytes.len < V2_LEN)
        return bytes.len < max ? PROXY_HEADER_INCOMPLETE : PROXY_HEADER_BAD;
    const char *addresses = bytes.at + V2_LEN;
    unsigned command = (uint8_t)bytes.at[12], family = (uint8_t)bytes.at[13], rest_len = big_endian_16(bytes.at + 14);
    size_t len = V2_LEN + (size_t)rest_len;
    bool local = command == 0x20;
    if ((!local && command != 0x21) || (!local && rest_len < addresses_len(family)) || len > max)
        return PROXY_HEADER_BAD;
    if (bytes.len < len)
        return PROXY_HEADER_INCOMPLETE;
    if (!local && family >> 4 == 1)
        *from = address_ip(addresses, 4, (uint16_t)big_endian_16(addresses + 8));
    else if (!local && family >> 4 == 2)
        *from = address_ip(addresses, 16, (uint16_t)big_endian_16(addresses + 32));
    return (ssize_t)len;
}

/* Whether bytes begin with `start`, as far as they go. */
static bool agrees(struct slice bytes, struct slice start) {
    return memcmp(bytes.at, start.at, bytes.len < start.len ? bytes.len : start.len) == 0;
}

ssize_t proxy_header_parse(const char *bytes, size_t len, size_t max, struct address *from) {
    struct slice all = {bytes, len};
    *from = (struct address){.kind = ADDRESS_NONE};
    if (len == 0)
        return PROXY_HEADER_INCOMPLETE;
    if (agrees(all, v2_start))
        return read_v2(all, max, from);
    return agrees(all, v1_start) ? read_v1(all, max, from) : PROXY_HEADER_BAD;
}
