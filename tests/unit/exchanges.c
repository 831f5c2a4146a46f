#include "exchanges.h"

#define GET_WITH(path, fields) "GET " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GET(path) GET_WITH(path, "")
#define TEN(text) text text text text text text text text text text
#define FORTY(text) TEN(text) TEN(text) TEN(text) TEN(text)

/* Fifty bytes; forty of them and sixteen more in a request for "/small" are HEAD_MAX. */
#define FIFTY_LINE "Fifty: abcdefghijklmnopqrstuvwxyz0123456789abcde\r\n"
#define FIFTY "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmn"
#define LARGEST GET_WITH("/small", FORTY(FIFTY_LINE) "Pad: 123456789\r\n")
_Static_assert(sizeof LARGEST - 1 == HEAD_MAX, "the largest head");
_Static_assert(sizeof FIFTY - 1 == 50, "fifty bytes");

#define EXCHANGE(title, text, replies, end)                                                                            \
    { .name = title, .input = text, .len = sizeof(text) - 1, .statuses = replies, .ending = end }

const struct test_exchange exchanges[] = {
    EXCHANGE("one request", GET("/small"), "200 ", WAITS),
    EXCHANGE("an empty file", GET("/empty"), "200 ", WAITS),
    EXCHANGE("a file from its descriptor", GET("/large"), "200 ", WAITS),
    EXCHANGE("three in a row", GET("/small") GET("/folder/") GET("/missing"), "200 200 404 ", WAITS),
    EXCHANGE("a folder without its slash", GET("/folder?q"), "301 ", WAITS),
    EXCHANGE("files and memory by turns", GET("/large") GET("/kilo") GET("/large") GET("/medium"), "200 200 200 200 ",
             WAITS),
    EXCHANGE("more bytes than the queue holds", FORTY(GET("/kilo")), FORTY("200 "), WAITS),
    EXCHANGE("more pieces than the queue holds", FORTY(GET("/medium")), FORTY("200 "), WAITS),
    EXCHANGE("more than the queue holds, the last unfinished", FORTY(GET("/medium")) "GET /small HTTP/1.1\r\nHo",
             FORTY("200 "), WAITS),
    EXCHANGE("more than the queue holds, one with a body",
             TEN(GET("/medium")) "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n" TEN(
                 GET("/medium")) TEN(GET("/kilo")),
             TEN("200 ") "405 " TEN("200 ") TEN("200 "), WAITS),

    EXCHANGE("HEAD", "HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n" GET("/small"), "200 200 ", WAITS),
    EXCHANGE("HEAD of a file sent from its descriptor", "HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n" GET("/small"),
             "200 200 ", WAITS),
    EXCHANGE("OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" GET("/small"), "204 200 ", WAITS),
    EXCHANGE("Range", GET_WITH("/medium", "Range: bytes=10-19\r\n") GET("/small"), "206 200 ", WAITS),
    EXCHANGE("Range of memory", GET_WITH("/medium", "Range: bytes=100-5599\r\n") GET("/small"), "206 200 ", WAITS),
    EXCHANGE("Range of a descriptor", GET_WITH("/large", "Range: bytes=-9000\r\n") GET("/small"), "206 200 ", WAITS),
    EXCHANGE("a Range beyond the end", GET_WITH("/small", "Range: bytes=20-\r\n") GET("/small"), "416 200 ", WAITS),

    EXCHANGE("a body with its length",
             GET_WITH("/small", "Content-Length: 21\r\n") "GET /x HTTP/1.1\r\n\r\n\r\n" //
             GET("/kilo"),
             "200 200 ", WAITS),
    EXCHANGE("a method that isn't served, with a body",
             "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET("/small"), "405 200 ", WAITS),
    EXCHANGE("a chunked body",
             GET_WITH("/small", "Transfer-Encoding: chunked\r\n") "5\r\nGET /\r\n"
                                                                  "A;x=\"y\"\r\n0123456789\r\n000\r\nTrailer: t\r\n"
                                                                  "\r\n" GET("/kilo"),
             "200 200 ", WAITS),
    EXCHANGE("an empty chunked body", GET_WITH("/small", "Transfer-Encoding: chunked\r\n") "0\r\n\r\n" GET("/kilo"),
             "200 200 ", WAITS),
    EXCHANGE("a body that doesn't end", GET("/kilo") GET_WITH("/small", "Content-Length: 9\r\n") "12345678", "200 ",
             WAITS),
    EXCHANGE("a chunked body that is wrong",
             GET("/kilo") GET_WITH("/small", "Transfer-Encoding: chunked\r\n") "3\r\nabc0\r\n\r\n" GET("/small"),
             "200 400 ", LINGERS),
    EXCHANGE("a body too long to be thrown away", GET_WITH("/small", "Content-Length: 1048577\r\n") "abc" GET("/kilo"),
             "200 ", LINGERS),
    EXCHANGE("Expect", GET_WITH("/small", "Content-Length: 3\r\nExpect: 100-continue\r\n") "abc" GET("/kilo"), "200 ",
             LINGERS),

    EXCHANGE("1.0", "GET /small HTTP/1.0\r\n\r\n", "200 ", CLOSES),
    EXCHANGE("1.0 with keep-alive",
             "GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
             "GET /kilo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
             "200 200 ", WAITS),
    EXCHANGE("close", GET("/small") GET_WITH("/kilo", "Connection: close\r\n"), "200 200 ", CLOSES),
    {.name = "close, and more",
     .input = GET("/small") GET_WITH("/kilo", "Connection: close\r\n") GET("/small"),
     .len = sizeof(GET("/small") GET_WITH("/kilo", "Connection: close\r\n") GET("/small")) - 1,
     .statuses = "200 200 ",
     .ending = LINGERS,
     .may_close = true},

    EXCHANGE("empty lines first", "\r\n\r\n\r\n\r\n" GET("/small") "\r\n" GET("/kilo") "\r\n", "200 200 ", WAITS),
    EXCHANGE("too many empty lines", "\r\n\r\n\r\n\r\n\r\n" GET("/small"), "400 ", LINGERS),
    EXCHANGE("nothing but half a line", "GET /sm", "", WAITS),
    EXCHANGE("a malformed second", GET("/small") "GET  /small HTTP/1.1\r\nHost: a\r\n\r\n" GET("/small"), "200 400 ",
             LINGERS),
    EXCHANGE("a target that means nothing", GET("/small") GET("/%zz") GET("/small"), "200 400 ", LINGERS),
    EXCHANGE("no Host", GET("/large") "GET /small HTTP/1.1\r\n\r\n" GET("/small"), "200 400 ", LINGERS),
    EXCHANGE("a bare LF", GET("/small") "GET /small HTTP/1.1\nHost: a\n\n", "200 400 ", LINGERS),
    EXCHANGE("another version", "GET /small HTTP/2.0\r\nHost: a\r\n\r\n", "505 ", LINGERS),
    EXCHANGE("the largest of heads", LARGEST GET("/kilo") LARGEST, "200 200 200 ", WAITS),
    EXCHANGE("a head a byte too large",
             GET("/kilo") GET_WITH("/small", FORTY(FIFTY_LINE) "Pad: 1234567890\r\n") GET("/small"), "200 431 ",
             LINGERS),
    EXCHANGE("too long a request line", GET("/small") GET("/" FORTY(FIFTY) FIFTY) GET("/small"), "200 414 ", LINGERS),
};

const size_t exchange_count = sizeof exchanges / sizeof exchanges[0];
