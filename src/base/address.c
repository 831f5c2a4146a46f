#include "base/address.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct address address_ip(const void *bytes, size_t len, uint16_t port) {
    struct address address = {.port = port, .kind = ADDRESS_IP};
    CHECK(len == 4 || len == sizeof address.bytes);
    if (len == 4)
        memcpy(address.bytes, v4_prefix, sizeof v4_prefix);
    memcpy(address.bytes + sizeof address.bytes - len, bytes, len);
    return address;
}

struct address address_of_socket(const struct sockaddr_storage *socket) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)socket;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)socket;
    if (socket->ss_family == AF_INET)
        return address_ip(&v4->sin_addr, sizeof v4->sin_addr, ntohs(v4->sin_port));
    if (socket->ss_family == AF_INET6)
        return address_ip(&v6->sin6_addr, sizeof v6->sin6_addr, ntohs(v6->sin6_port));
    return (struct address){.kind = socket->ss_family == AF_UNIX ? ADDRESS_LOCAL : ADDRESS_NONE};
}

bool address_parse_port(struct slice text, uint16_t *port) {
    unsigned value = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

bool address_parse_ip(struct slice text, bool v6, struct address *address) {
    char terminated[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (text.len == 0 || text.len >= sizeof terminated || memchr(text.at, '\0', text.len))
        return false;
    memcpy(terminated, text.at, text.len);
    terminated[text.len] = '\0';
    if (inet_pton(v6 ? AF_INET6 : AF_INET, terminated, bytes) != 1)
        return false;
    *address = address_ip(bytes, v6 ? 16 : 4, 0);
    return true;
}

/* With a port, which may be left out with its colon. */
static bool parse_with_port(struct slice host, bool v6, struct slice rest, struct address *address) {
    if (!address_parse_ip(host, v6, address))
        return false;
    return rest.len == 0 || (rest.at[0] == ':' && address_parse_port(slice_from(rest, 1), &address->port));
}

bool address_parse(struct slice text, struct address *address) {
    bool bracketed = text.len > 0 && text.at[0] == '[';
    const char *end = text.len > 0 ? memchr(text.at, bracketed ? ']' : ':', text.len) : NULL;
    size_t host_len = end ? (size_t)(end - text.at) : text.len;
    if (bracketed)
        return end && parse_with_port((struct slice){text.at + 1, host_len - 1}, true, slice_from(text, host_len + 1),
                                      address);
    if (end && !memchr(text.at, '.', host_len))
        return address_parse_ip(text, true, address);
    return parse_with_port((struct slice){text.at, host_len}, false, slice_from(text, host_len), address);
}

bool address_is_v4(const struct address *address) {
    return address->kind == ADDRESS_IP && memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

size_t address_format(const struct address *address, char *text) {
    bool v4 = address_is_v4(address);
    if (address->kind != ADDRESS_IP)
        strcpy(text, address->kind == ADDRESS_LOCAL ? "unix:" : "-");
    else
        CHECK(inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? 12 : 0), text, ADDRESS_TEXT_MAX));
    return strlen(text);
}

uint64_t address_key(const struct address *address) {
    uint64_t key;
    uint32_t v4;
    if (address->kind != ADDRESS_IP)
        return 0;
    memcpy(&key, address->bytes, sizeof key);
    memcpy(&v4, address->bytes + sizeof v4_prefix, sizeof v4);
    if (address_is_v4(address))
        return (uint64_t)v4 << 32 | 1; /* where no IPv6 network is: in 100::/32, or on a big-endian machine ::/64 */
    return key ? key : 3;              /* ::1 */
}
