/* base/address.h and base/network.h: every form that is read, what is refused, and what lies in which network. */
#include "base/address.h"
#include "base/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Just the bytes, without a terminator to lean on. */
static struct slice bare(char *room, const char *text) {
    memcpy(room, text, strlen(text));
    return (struct slice){room, strlen(text)};
}

TEST(addresses_are_read_and_written) {
    static const struct {
        const char *text, *written;
        unsigned port;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1:80", "192.0.2.1", 80},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"255.255.255.255:65535", "255.255.255.255", 65535},
        {"2001:db8::1", "2001:db8::1", 0},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", 0},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"[2001:db8::1]:443", "2001:db8::1", 443},
        {"::1", "::1", 0},
        {"::ffff:192.0.2.1", "192.0.2.1", 0}, /* the same host, whichever way it comes */
        {"[::ffff:c000:201]:8", "192.0.2.1", 8},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char room[64], text[ADDRESS_TEXT_MAX];
        struct address address;
        if (!address_parse(bare(room, cases[i].text), &address))
            fail_msg("%s isn't read", cases[i].text);
        assert_int_equal(address.kind, ADDRESS_IP);
        assert_int_equal(address.port, cases[i].port);
        assert_int_equal(address_format(&address, text), strlen(cases[i].written));
        assert_string_equal(text, cases[i].written);
    }
}

TEST(what_is_no_address_is_refused) {
    static const char *const texts[] = {
        "",
        " ",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1 ",
        "192.0.2.1:",
        "1.2.3.4:x",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:000080",
        "[1.2.3.4]",
        "[1.2.3.4]:1",
        "2001:db8::1::",
        "[::1",
        "[::1]8",
        "[::1]:",
        "[]",
        "]",
        "::1]",
        "fe80::1%eth0",
        "unknown",
        "_hidden",
        "localhost",
        "1.2.3.4,5.6.7.8",
        "\"1.2.3.4\"",
        ":",
        "12345",
        "2001:db8:0000:0000:0000:0000:0000:0000:0001",
        "0x7f.1",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char room[64];
        struct address address;
        if (address_parse(bare(room, texts[i]), &address))
            fail_msg("'%s' is read", texts[i]);
    }
    struct address address;
    assert_false(address_parse((struct slice){"1.2.3.4\0", 8}, &address));
}

TEST(other_kinds_have_no_key) {
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_storage socket = {.ss_family = AF_UNIX};
    struct address address = address_of_socket(&socket);
    assert_int_equal(address.kind, ADDRESS_LOCAL);
    assert_int_equal(address_key(&address), 0);
    address_format(&address, text);
    assert_string_equal(text, "unix:");
    socket.ss_family = AF_UNSPEC;
    address = address_of_socket(&socket);
    assert_int_equal(address.kind, ADDRESS_NONE);
    assert_int_equal(address_key(&address), 0);
    address_format(&address, text);
    assert_string_equal(text, "-");
}

/* '1': it lies in it, '0': it doesn't, '-': it is no network. */
TEST(networks_hold_what_they_should) {
    static const struct {
        const char *network, *address;
        char expected;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.255", '1'},
        {"192.0.2.0/24", "192.0.3.0", '0'},
        {"192.0.2.77/24", "192.0.2.1", '1'},
        {"192.0.2.1", "192.0.2.1", '1'},
        {"192.0.2.1", "192.0.2.2", '0'},
        {"192.0.2.1/32", "192.0.2.1", '1'},
        {"192.0.2.0/31", "192.0.2.1", '1'},
        {"192.0.2.0/31", "192.0.2.2", '0'},
        {"0.0.0.0/0", "203.0.113.9", '1'},
        {"0.0.0.0/0", "2001:db8::1", '0'},
        {"::/0", "2001:db8::1", '1'},
        {"::/0", "192.0.2.1", '0'},
        {"::/95", "192.0.2.1", '0'},
        {"10.0.0.0/8", "::ffff:10.1.2.3", '1'},
        {"::ffff:10.0.0.0/104", "10.1.2.3", '1'},
        {"::ffff:0:0/96", "10.1.2.3", '1'},
        {"2001:db8::/33", "2001:db8:7fff::1", '1'},
        {"2001:db8::/33", "2001:db8:8000::1", '0'},
        {"2001:db8::1", "2001:db8::1", '1'},
        {"2001:db8::1/128", "2001:db8::2", '0'},
        {"unix", "192.0.2.1", '0'},
        {"192.0.2.0/33", "", '-'},
        {"2001:db8::/129", "", '-'},
        {"192.0.2.0/", "", '-'},
        {"192.0.2.0/2x", "", '-'},
        {"192.0.2.0/0024", "", '-'},
        {"/8", "", '-'},
        {"", "", '-'},
        {"192.0.2.1:80", "", '-'},
        {"[2001:db8::1]/64", "", '-'},
        {"unix/0", "", '-'},
        {"localhost", "", '-'},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char room[64];
        struct network network;
        struct address address;
        bool ok = network_parse(bare(room, cases[i].network), &network);
        char got = '-';
        if (ok && cases[i].expected != '-') {
            assert_true(address_parse(slice_of(cases[i].address), &address));
            got = network_has(&network, &address) ? '1' : '0';
        } else if (ok) {
            got = '?';
        }
        if (got != cases[i].expected)
            fail_msg("%s in %s: %c", cases[i].address, cases[i].network, got);
    }
}

TEST(a_list_has_what_one_of_its_networks_has) {
    struct network_list list = {.count = 2};
    struct address local = {.kind = ADDRESS_LOCAL}, none = {.kind = ADDRESS_NONE}, v4;
    assert_true(address_parse(SLICE("10.9.8.7"), &v4));
    assert_true(network_parse(SLICE("192.0.2.0/24"), &list.networks[0]));
    assert_true(network_parse(SLICE("10.0.0.0/8"), &list.networks[1]));
    assert_true(network_list_has(&list, &v4));
    assert_false(network_list_has(&list, &local));
    assert_true(network_parse(SLICE("unix"), &list.networks[0]));
    assert_true(network_list_has(&list, &local));
    assert_false(network_list_has(&list, &none));
    list.count = 0;
    assert_false(network_list_has(&list, &v4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(other_kinds_have_no_key),
        cmocka_unit_test(networks_hold_what_they_should),
        cmocka_unit_test(a_list_has_what_one_of_its_networks_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
