/* Accept-Encoding: elements, qualities, "*", identity, and what is chosen of what there is. */
#include "protocol/accept_encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    IDENTITY = 1 << CODING_IDENTITY,
    BR = 1 << CODING_BR,
    ZSTD = 1 << CODING_ZSTD,
    GZIP = 1 << CODING_GZIP,
    ALL = IDENTITY | BR | ZSTD | GZIP,
};

static const struct {
    const char *value;
    uint16_t identity, br, zstd, gzip;
} qualities[] = {
    /* RFC 9110 12.5.3: its examples */
    {"compress, gzip", 1, 0, 0, 1000},
    {"", 1, 0, 0, 0},
    {"*", 1, 1000, 1000, 1000},
    {"compress;q=0.5, gzip;q=1.0", 1, 0, 0, 1000},
    {"gzip;q=1.0, identity; q=0.5, *;q=0", 500, 0, 0, 1000},
    /* what browsers send */
    {"gzip, deflate, br, zstd", 1, 1000, 1000, 1000},
    {"gzip, deflate", 1, 0, 0, 1000},
    {"identity;q=1, *;q=0", 1000, 0, 0, 0},
    /* 12.4.2: weights, up to three decimals */
    {"gzip;q=0", 1, 0, 0, 0},
    {"gzip;q=0.", 1, 0, 0, 0},
    {"gzip;q=0.000", 1, 0, 0, 0},
    {"gzip;q=1", 1, 0, 0, 1000},
    {"gzip;q=1.", 1, 0, 0, 1000},
    {"gzip;q=1.000", 1, 0, 0, 1000},
    {"gzip;q=0.001", 1, 0, 0, 1},
    {"gzip;q=0.5", 1, 0, 0, 500},
    {"gzip;q=0.25", 1, 0, 0, 250},
    {"gzip;q=0.125", 1, 0, 0, 125},
    {"gzip;q=0.999", 1, 0, 0, 999},
    {"gzip;Q=0.5", 1, 0, 0, 500},
    {"gzip ; \tq=0.5", 1, 0, 0, 500},
    {" gzip\t;q=0.5 , br ", 1, 1000, 0, 500},
    /* malformed elements are as if they weren't there */
    {"gzip;q=", 1, 0, 0, 0},
    {"gzip;", 1, 0, 0, 0},
    {"gzip;q", 1, 0, 0, 0},
    {"gzip;q=1.001", 1, 0, 0, 0},
    {"gzip;q=1.1", 1, 0, 0, 0},
    {"gzip;q=2", 1, 0, 0, 0},
    {"gzip;q=10", 1, 0, 0, 0},
    {"gzip;q=00.5", 1, 0, 0, 0},
    {"gzip;q=.5", 1, 0, 0, 0},
    {"gzip;q=-1", 1, 0, 0, 0},
    {"gzip;q=0.1234", 1, 0, 0, 0},
    {"gzip;q=0.5x", 1, 0, 0, 0},
    {"gzip;q=0,5", 1, 0, 0, 0},
    {"gzip;q =0.5", 1, 0, 0, 0},
    {"gzip;q= 0.5", 1, 0, 0, 0},
    {"gzip;q=0.5;q=1", 1, 0, 0, 0},
    {"gzip;level=9", 1, 0, 0, 0},
    {"gzip;level=9;q=1", 1, 0, 0, 0},
    {"gzip q=1", 1, 0, 0, 0},
    {"gzip br", 1, 0, 0, 0},
    {"\"gzip\"", 1, 0, 0, 0},
    {";q=1", 1, 0, 0, 0},
    {"gzip;q=x, br", 1, 1000, 0, 0},
    {"gzip;q=x, *;q=0.3", 1, 300, 300, 300},
    {"identity;q=x", 1, 0, 0, 0},
    {"*;q=x", 1, 0, 0, 0},
    /* names: whole, of any case (8.4.1), x-gzip is gzip (8.4.1.3) */
    {"GZIP, Br, ZStd;q=0.5", 1, 1000, 500, 1000},
    {"x-gzip", 1, 0, 0, 1000},
    {"X-GZip;q=0.4", 1, 0, 0, 400},
    {"gzip;q=0.3, x-gzip;q=0.7", 1, 0, 0, 700},
    {"gzi, gzipp, b, brr, x-br, zst", 1, 0, 0, 0},
    {"Identity;q=0.3", 300, 0, 0, 0},
    /* a coding named twice: the higher */
    {"br;q=0.2, br;q=0.8, br;q=0.5", 1, 800, 0, 0},
    {"br;q=0, br", 1, 1000, 0, 0},
    {"*;q=0, *;q=0.5", 1, 500, 500, 500},
    /* 5.6.1.2: empty elements */
    {",", 1, 0, 0, 0},
    {",,gzip, ,br,", 1, 1000, 0, 1000},
    /* "*" is whatever isn't named, wherever it stands */
    {"*;q=0.5, gzip;q=0.9, br;q=0", 1, 0, 500, 900},
    {"gzip;q=0.9, br;q=0, *;q=0.5", 1, 0, 500, 900},
    {"*;q=0.5, identity;q=0.7", 700, 500, 500, 500},
    /* identity: acceptable unless ruled out by name, or by "*;q=0" without its name */
    {"identity;q=0", 0, 0, 0, 0},
    {"*;q=0", 0, 0, 0, 0},
    {"gzip, *;q=0", 0, 0, 0, 1000},
    {"gzip, identity;q=0", 0, 0, 0, 1000},
    {"*, identity;q=0", 0, 1000, 1000, 1000},
    {"*;q=0, identity;q=0.1", 100, 0, 0, 0},
    {"*;q=0, identity;q=0", 0, 0, 0, 0},
    {"identity", 1000, 0, 0, 0},
};

static void test_qualities(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(qualities); i++) {
        struct accept_encoding accept;
        accept_encoding_init(&accept);
        accept_encoding_add(&accept, slice_of(qualities[i].value));
        if (accept_encoding_quality(&accept, CODING_IDENTITY) != qualities[i].identity ||
            accept_encoding_quality(&accept, CODING_BR) != qualities[i].br ||
            accept_encoding_quality(&accept, CODING_ZSTD) != qualities[i].zstd ||
            accept_encoding_quality(&accept, CODING_GZIP) != qualities[i].gzip)
            fail_msg("\"%s\"", qualities[i].value);
    }
}

static const struct {
    const char *first, *second; /* field lines; NULL: there is none */
    unsigned available;
    enum content_coding chosen;
} choices[] = {
    /* No field, or an empty one: the plain bytes */
    {NULL, NULL, ALL, CODING_IDENTITY},
    {"", NULL, ALL, CODING_IDENTITY},
    {"", "", ALL, CODING_IDENTITY},
    /* equals: br, zstd, gzip, identity */
    {"gzip, deflate, br, zstd", NULL, ALL, CODING_BR},
    {"gzip, deflate, br, zstd", NULL, ALL & ~BR, CODING_ZSTD},
    {"gzip, deflate, br, zstd", NULL, IDENTITY | GZIP, CODING_GZIP},
    {"gzip, deflate, br, zstd", NULL, IDENTITY, CODING_IDENTITY},
    {"identity, gzip", NULL, ALL, CODING_GZIP},
    {"*", NULL, ALL, CODING_BR},
    {"*", NULL, IDENTITY | GZIP, CODING_GZIP},
    {"gzip;q=0.001", NULL, ALL, CODING_GZIP},
    /* the higher quality wins */
    {"gzip;q=1.0, br;q=0.9", NULL, ALL, CODING_GZIP},
    {"gzip;q=0.8, br;q=0.801", NULL, ALL, CODING_BR},
    {"gzip;q=1.0, br;q=0.9", NULL, IDENTITY | BR, CODING_BR},
    {"gzip;q=0.5, zstd;q=0.6, br;q=0.4", NULL, ALL, CODING_ZSTD},
    {"*;q=0.5, gzip", NULL, ALL, CODING_GZIP},
    {"gzip;q=0.2, identity;q=0.3", NULL, ALL, CODING_IDENTITY},
    {"identity, *;q=0.9", NULL, ALL, CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=0.5", NULL, ALL, CODING_GZIP},
    /* refused codings are never sent */
    {"br;q=0, gzip", NULL, ALL, CODING_GZIP},
    {"br;q=0, *", NULL, IDENTITY | BR, CODING_IDENTITY},
    {"gzip;q=0", NULL, ALL, CODING_IDENTITY},
    {"gzip;q=bad", NULL, ALL, CODING_IDENTITY},
    {"deflate, compress", NULL, ALL, CODING_IDENTITY},
    /* identity refused: another if there is one, else identity after all */
    {"identity;q=0, gzip;q=0.001", NULL, ALL, CODING_GZIP},
    {"identity;q=0, gzip", NULL, IDENTITY, CODING_IDENTITY},
    {"identity;q=0", NULL, ALL, CODING_IDENTITY},
    {"*;q=0", NULL, ALL, CODING_IDENTITY},
    {"gzip", NULL, 0, CODING_IDENTITY},
    /* RFC 9110 5.3: several lines are one list */
    {"gzip", "br", ALL, CODING_BR},
    {"gzip;q=0.5", "identity;q=0.7", ALL, CODING_IDENTITY},
    {"*;q=0", "gzip", ALL, CODING_GZIP},
    {"*", "br;q=0", ALL, CODING_ZSTD},
    {"br;q=0", "*", ALL, CODING_ZSTD},
    {"", "gzip", ALL, CODING_GZIP},
};

static void test_choices(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(choices); i++) {
        struct accept_encoding accept;
        accept_encoding_init(&accept);
        if (choices[i].first)
            accept_encoding_add(&accept, slice_of(choices[i].first));
        if (choices[i].second)
            accept_encoding_add(&accept, slice_of(choices[i].second));
        enum content_coding chosen = accept_encoding_choose(&accept, choices[i].available);
        if (chosen != choices[i].chosen)
            fail_msg("row %zu, \"%s\": %d, not %d", i, choices[i].first, (int)chosen, (int)choices[i].chosen);
    }
}

/* RFC 9110 12.4.2: all weights from 0.000 to 1.999, and what they compare as. */
static void test_every_weight(void **state) {
    (void)state;
    for (int weight = 0; weight < 2000; weight++) {
        char value[32];
        struct accept_encoding accept;
        snprintf(value, sizeof value, "br;q=%d.%03d", weight / 1000, weight % 1000);
        accept_encoding_init(&accept);
        accept_encoding_add(&accept, slice_of(value));
        assert_int_equal(accept_encoding_quality(&accept, CODING_BR), weight <= 1000 ? weight : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qualities),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_every_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
