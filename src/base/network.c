#include "base/network.h"

enum { V4_FIRST_BIT = 96, BITS = 128 };

static bool parse_bits(struct slice text, unsigned most, unsigned *bits) {
    *bits = 0;
    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *bits = *bits * 10 + (unsigned)(text.at[i] - '0');
    }
    return *bits <= most;
}

bool network_parse(struct slice text, struct network *network) {
    const char *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
    struct slice host = {text.at, slash ? (size_t)(slash - text.at) : text.len};
    *network = (struct network){.first.kind = ADDRESS_LOCAL};
    if (slice_equal(text, SLICE("unix")))
        return true;
    bool v4 = host.len == 0 || !memchr(host.at, ':', host.len);
    if (!address_parse_ip(host, !v4, &network->first))
        return false;
    network->bits = BITS;
    if (slash && !parse_bits(slice_from(text, host.len + 1), v4 ? BITS - V4_FIRST_BIT : BITS, &network->bits))
        return false;
    network->bits += v4 && slash ? V4_FIRST_BIT : 0;
    return true;
}

bool network_has(const struct network *network, const struct address *address) {
    const uint8_t *a = network->first.bytes, *b = address->bytes;
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (network->first.kind != address->kind)
        return false;
    if (network->first.kind != ADDRESS_IP)
        return true;
    if (network->bits < V4_FIRST_BIT && address_is_v4(address))
        return false;
    return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

bool network_list_has(const struct network_list *list, const struct address *address) {
    for (int i = 0; i < list->count; i++)
        if (network_has(&list->networks[i], address))
            return true;
    return false;
}
