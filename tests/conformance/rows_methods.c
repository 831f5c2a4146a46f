/* Methods (RFC 9110 section 9) and the limits on a head. */
#include "groups.h"
#include "site.h"

static const struct row methods[] = {
    ROW("GET", "9110 9.3.1", GET("/alpha.txt", ""), 200, FIELDS("Content-Length: 26"), BODY(ALPHABET), OPEN),
    ROW("HEAD", "9110 9.3.2", HEAD("/alpha.txt", ""), 200, EMPTY,
        FIELDS("Content-Length: 26", "Content-Type: text/plain; charset=utf-8", "ETag: <etag:/alpha.txt>",
               "Last-Modified: " WHEN, "Cache-Control: no-cache", "Accept-Ranges: bytes"),
        OPEN),
    ROW("HEAD of an empty file", "9110 9.3.2", HEAD("/empty.txt", ""), 200, EMPTY, FIELDS("Content-Length: 0"), OPEN),
    ROW("HEAD of what is not there", "9110 9.3.2", HEAD("/missing", ""), 404, EMPTY, OPEN),
    ROW("HEAD of a folder", "9110 9.3.2", HEAD("/sub", ""), 301, EMPTY, FIELDS("Location: /sub/"), OPEN),
    ROW("HEAD of a folder's index", "9110 9.3.2", HEAD("/sub/", ""), 200, EMPTY, FIELDS("Content-Length: 10"), OPEN),
    ROW("HEAD in HTTP/1.0", "9110 9.3.2", "HEAD /alpha.txt HTTP/1.0\r\n\r\n", 200, EMPTY, CLOSED),
    ROW("HEAD then GET", "9110 9.3.2", HEAD("/alpha.txt", "") NEXT, 200, AFTER(HEAD_OF(200)), BODY(ALPHABET), OPEN),
    ROW("OPTIONS of a file", "9110 9.3.7", REQUEST("OPTIONS", "/alpha.txt", ""), 204, EMPTY,
        FIELDS("Allow: GET, HEAD, OPTIONS", "!Content-Length", "!Content-Type"), OPEN),
    ROW("OPTIONS of the root", "9110 9.3.7", REQUEST("OPTIONS", "/", ""), 204, EMPTY, OPEN),
    ROW("OPTIONS *", "9112 3.2.4", REQUEST("OPTIONS", "*", ""), 204, FIELDS("Allow: GET, HEAD, OPTIONS"), OPEN),
    ROW("OPTIONS * in HTTP/1.0", "9112 3.2.4", "OPTIONS * HTTP/1.0\r\n\r\n", 204, EMPTY, CLOSED),
    ROW("OPTIONS with a body", "9110 9.3.7", REQUEST("OPTIONS", "*", "Content-Length: 2\r\n") "{}", 204, OPEN),
    ROW("OPTIONS with Connection: close", "9112 9.6", REQUEST("OPTIONS", "*", "Connection: close\r\n"), 204, CLOSED),
    ROW("POST", "9110 15.5.6", REQUEST("POST", "/alpha.txt", "Content-Length: 0\r\n"), 405, OPEN),
    ROW("POST without a length", "9110 15.5.6", REQUEST("POST", "/alpha.txt", ""), 405, OPEN),
    ROW("PUT", "9110 15.5.6", REQUEST("PUT", "/new.txt", "Content-Length: 3\r\n") "abc", 405, OPEN),
    ROW("DELETE", "9110 15.5.6", REQUEST("DELETE", "/alpha.txt", ""), 405, OPEN),
    ROW("PATCH", "5789 2", REQUEST("PATCH", "/alpha.txt", "Content-Length: 0\r\n"), 405, OPEN),
    ROW("TRACE", "9110 15.5.6", REQUEST("TRACE", "/alpha.txt", ""), 405, OPEN),
    ROW("CONNECT", "9110 15.5.6", REQUEST("CONNECT", "example.com:443", ""), 405, CLOSED),
    ROW("what follows CONNECT is for the tunnel", "9931 7", REQUEST("CONNECT", "example.com:443", "") NEXT, 405,
        CLOSED),
    ROW("what follows CONNECT in HTTP/1.0", "9931 7",
        "CONNECT example.com:443 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" NEXT, 405, CLOSED),
    ROW("POST of what is not there", "9110 15.5.6", REQUEST("POST", "/missing", "Content-Length: 0\r\n"), 405, OPEN),
    ROW("POST in HTTP/1.0", "9110 15.5.6", "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", 405, CLOSED),
    ROW("unknown method", "9110 15.6.2", REQUEST("BREW", "/alpha.txt", ""), 501, OPEN),
    ROW("unknown method with a body", "9110 15.6.2", REQUEST("BREW", "/", "Content-Length: 3\r\n") "abc", 501, OPEN),
    ROW("unknown method of odd token bytes", "9110 15.6.2", REQUEST("!#$%&'*+-.^_`|~", "/", ""), 501, OPEN),
    ROW("unknown method without Host", "9112 3.2", "BREW / HTTP/1.1\r\n\r\n", 400, CLOSED),
    ROW("unknown method with a bad field", "9112 5.1", REQUEST("BREW", "/", "X-A : b\r\n"), 400, CLOSED),
    ROW("unknown method with a bad length", "9112 6.3", REQUEST("BREW", "/", "Content-Length: x\r\n"), 400, CLOSED),
    ROW("method in lower case", "9110 9.1", REQUEST("get", "/alpha.txt", ""), 501, OPEN),
    ROW("method in mixed case", "9110 9.1", REQUEST("Get", "/alpha.txt", ""), 501, OPEN),
    ROW("method that begins like GET", "9110 9.1", REQUEST("GETS", "/alpha.txt", ""), 501, OPEN),
    ROW("beginning of GET", "9110 9.1", REQUEST("GE", "/alpha.txt", ""), 501, OPEN),
    ROW("method that begins like HEAD", "9110 9.1", REQUEST("HEADER", "/alpha.txt", ""), 501, OPEN),
    ROW("long unknown method", "9110 15.6.2", REQUEST("<repeat:100:M>", "/", ""), 501, OPEN),
};
const struct group group_methods = GROUP("methods", site_plain, methods, NULL);

#define PAD "01234567890123456789012345678901234567890123456789"

static const struct row limits[] = {
    ROW("path of 4000 bytes", "9112 3", GET("/<repeat:499:aaaaaaa/>aaaaaaa", ""), 404, OPEN),
    ROW("name of 256 bytes", "9110 15.5.5", GET("/<repeat:256:a>", ""), 404, OPEN),
    ROW("request line of 8000 bytes", "9112 3", GET("/alpha.txt?<repeat:7976:q>", ""), 200, BODY(ALPHABET), OPEN),
    ROW("target longer than a head may be", "9110 15.5.15", GET("/<repeat:17000:a>", ""), 414, CLOSED),
    ROW("query longer than a head may be", "9110 15.5.15", GET("/?<repeat:17000:q>", ""), 414, CLOSED),
    ROW("target without an end", "9110 15.5.15", "GET /<repeat:20000:a>", 414, CLOSED),
    ROW("method longer than a head may be", "9112 3", REQUEST("<repeat:17000:M>", "/", ""), 501, CLOSED),
    ROW("100 fields", "6585 5", GET("/alpha.txt", "<repeat:99:X-A: b\r\n>"), 200, OPEN),
    ROW("more than 100 fields", "6585 5", GET("/alpha.txt", "<repeat:100:X-A: b\r\n>"), 431, CLOSED),
    ROW("1000 fields", "6585 5", GET("/alpha.txt", "<repeat:1000:X-A: b\r\n>"), 431, CLOSED),
    ROW("field of 15000 bytes", "9110 5.4", GET("/alpha.txt", "X-A: <repeat:15000:a>\r\n"), 200, OPEN),
    ROW("field too long", "6585 5", GET("/alpha.txt", "X-A: <repeat:17000:a>\r\n"), 431, CLOSED),
    ROW("fields too long together", "6585 5", GET("/alpha.txt", "<repeat:90:X-A: " PAD PAD PAD PAD "\r\n>"), 431,
        CLOSED),
    ROW("field name without an end", "6585 5", "GET / HTTP/1.1\r\nHost: a\r\n<repeat:20000:a>", 431, CLOSED),
    ROW("long head after a short request", "6585 5", NEXT GET("/", "X-A: <repeat:17000:a>\r\n"), 431, AFTER(200),
        CLOSED),
    ROW("nothing after a long head is read", "6585 5", GET("/", "X-A: <repeat:17000:a>\r\n") NEXT, 431, CLOSED),
};
const struct group group_limits = GROUP("limits", site_plain, limits, NULL);

static const struct row small_head[] = {
    ROW("small head", "6585 5", GET("/alpha.txt", "X-A: <repeat:500:a>\r\n"), 200, OPEN),
    ROW("field beyond --max-header", "6585 5", GET("/alpha.txt", "X-A: <repeat:2100:a>\r\n"), 431, CLOSED),
    ROW("target beyond --max-header", "9110 15.5.15", GET("/<repeat:2100:a>", ""), 414, CLOSED),
    ROW("pipelined beyond --max-header", "9112 9.3.2", "<repeat:100:GET /alpha.txt HTTP/1.1\r\nHost: a\r\n\r\n>" NEXT,
        200, AFTER(TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN, TEN), BODY(ALPHABET), OPEN),
};
const struct group group_small_head = GROUP("small head", site_plain, small_head, "--max-header", "2048", NULL);
