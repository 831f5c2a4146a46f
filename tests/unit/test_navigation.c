#define _GNU_SOURCE
/* What is taken for a navigation. */
#include "protocol/navigation.h"
#include "room.h"

#define MODE "Sec-Fetch-Mode: "
#define DEST "Sec-Fetch-Dest: "
#define END "\r\n"

static const struct {
    const char *fields;
    bool asked;
} rows[] = {
    /* RFC 9110 12.5.1: who says nothing about the fetch is taken by what it accepts */
    {"", false},
    {"Accept:" END, false},
    {"Accept: ," END, false},
    {"Accept: text/html" END, true},
    {"Accept: Text/HTML;level=1" END, true},
    {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" END, true},
    {"Accept: */*" END, true},
    {"Accept: application/json, */*;q=0.1" END, true},
    {"Accept: application/json" END "Accept: */*" END, true},
    {"Accept: application/json" END, false},
    {"Accept: text/*" END, false},
    {"Accept: text/htmlx, text/htm, *" END, false},
    /* RFC 9110 12.4.2: 0 is a refusal, and the nearer word counts */
    {"Accept: text/html;q=0" END, false},
    {"Accept: text/html;q=0, */*" END, false},
    {"Accept: */*, text/html ; q=0.000" END, false},
    {"Accept: */*;q=0" END, false},
    {"Accept: */*;q=0, text/html" END, true},
    {"Accept: */*;Q=0." END, false},
    {"Accept: */*;q=0.001" END, true},
    {"Accept: text/html;q=1" END, true},
    /* Fetch Metadata 2: who says it is believed, whatever it accepts */
    {MODE "navigate" END, true},
    {DEST "document" END, true},
    {DEST "iframe" END, true},
    {DEST "frame" END, true},
    {DEST "document" END MODE "navigate" END "Accept: image/png" END, true},
    {DEST "embed" END MODE "navigate" END, true},
    {MODE "cors" END "Accept: text/html" END, false},
    {MODE "no-cors" END "Accept: */*" END, false},
    {MODE END "Accept: */*" END, false},
    {DEST "empty" END MODE "same-origin" END "Accept: text/html" END, false},
    {DEST "script" END "Accept: */*" END, false},
    {DEST "documents" END "Accept: */*" END, false},
    {MODE "Navigate" END "Accept: */*" END, false},
    {MODE "cors" END MODE "navigate" END, false}, /* the first line stands */
};

static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct request request;
        size_t head_len;
        int len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
        assert_int_equal(room_parse(room_end - len, text, (size_t)len, &request, &head_len), 0);
        if (navigation_asked(&request) != rows[i].asked)
            fail_msg("%s", rows[i].fields);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, room_setup, NULL);
}
