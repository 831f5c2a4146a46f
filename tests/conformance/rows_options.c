/* Options that change fields: origins that may read, the type of what isn't known. */
#include "groups.h"
#include "site.h"

#define FROM(origin) "Origin: " origin "\r\n"
#define APP FROM("https://app.example")
#define TOLD "Access-Control-Allow-Origin: https://app.example", "Access-Control-Allow-Credentials: true", "Vary~Origin"
#define UNTOLD "!Access-Control-Allow-Origin", "!Access-Control-Allow-Credentials", "Vary~Origin"
#define PREFLIGHT(origin, method)                                                                                      \
    REQUEST("OPTIONS", "/alpha.txt", origin "Access-Control-Request-Method: " method "\r\n")

static const struct row cors_origins[] = {
    ROW("file", "9110 6.3", GET("/alpha.txt", APP), 200, FIELDS(TOLD), BODY(ALPHABET), OPEN),
    ROW("another origin that is named", "9110 6.3", GET("/alpha.txt", FROM("http://localhost:3000")), 200,
        FIELDS("Access-Control-Allow-Origin: http://localhost:3000", "Access-Control-Allow-Credentials: true"), OPEN),
    ROW("origin that isn't named", "9110 6.3", GET("/alpha.txt", FROM("https://evil.example")), 200, FIELDS(UNTOLD),
        OPEN),
    ROW("no origin", "9110 12.5.5", GET("/alpha.txt", ""), 200, FIELDS(UNTOLD), OPEN),
    ROW("opaque origin", "6454 7.3", GET("/alpha.txt", FROM("null")), 200, FIELDS(UNTOLD), OPEN),
    ROW("empty origin", "6454 7.1", GET("/alpha.txt", FROM("")), 200, FIELDS(UNTOLD), OPEN),
    ROW("another scheme", "6454 5", GET("/alpha.txt", FROM("http://app.example")), 200, FIELDS(UNTOLD), OPEN),
    ROW("another port", "6454 5", GET("/alpha.txt", FROM("https://app.example:8443")), 200, FIELDS(UNTOLD), OPEN),
    ROW("host that begins alike", "6454 5", GET("/alpha.txt", FROM("https://app.example.evil")), 200, FIELDS(UNTOLD),
        OPEN),
    ROW("host that ends alike", "6454 5", GET("/alpha.txt", FROM("https://my-app.example")), 200, FIELDS(UNTOLD), OPEN),
    ROW("in capitals", "6454 6.2", GET("/alpha.txt", FROM("https://APP.example")), 200, FIELDS(UNTOLD), OPEN),
    ROW("named twice", "6454 7.3", GET("/alpha.txt", FROM("https://evil.example") APP), 200, FIELDS(UNTOLD), OPEN),
    ROW("HEAD", "9110 9.3.2", HEAD("/alpha.txt", APP), 200, FIELDS(TOLD), EMPTY, OPEN),
    ROW("206", "9110 15.3.7", GET("/alpha.txt", APP "Range: bytes=0-0\r\n"), 206, FIELDS(TOLD), OPEN),
    ROW("206 of parts", "9110 15.3.7", GET("/alpha.txt", APP "Range: bytes=0-0,2-2\r\n"), 206, FIELDS(TOLD), OPEN),
    ROW("304", "9110 15.4.5", GET("/alpha.txt", APP "If-None-Match: *\r\n"), 304, FIELDS(TOLD), OPEN),
    ROW("304 for another origin", "9110 15.4.5", GET("/alpha.txt", FROM("https://evil.example") "If-None-Match: *\r\n"),
        304, FIELDS(UNTOLD), OPEN),
    ROW("412", "9110 15.5.13", GET("/alpha.txt", APP "If-Match: \"x\"\r\n"), 412, FIELDS(TOLD), OPEN),
    ROW("416", "9110 15.5.17", GET("/alpha.txt", APP "Range: bytes=99-\r\n"), 416, FIELDS(TOLD), OPEN),
    ROW("301", "9110 15.4.2", GET("/sub", APP), 301, FIELDS(TOLD), OPEN),
    ROW("404", "9110 15.5.5", GET("/missing", APP), 404, FIELDS(TOLD), OPEN),
    ROW("405", "9110 15.5.6", REQUEST("PUT", "/", APP), 405, FIELDS(TOLD), OPEN),
    ROW("400", "9110 15.5.1", GET("/%00", APP), 400, FIELDS(TOLD), CLOSED),
    ROW("400 of a bad head", "9112 2.2", "BAD\r\n\r\n", 400, FIELDS(UNTOLD), CLOSED),
    ROW("each request has its own", "9112 9.3.2", GET("/alpha.txt", APP) GET("/alpha.txt", ""), 200, AFTER(200),
        FIELDS(UNTOLD), OPEN),
    ROW("preflight", "9110 9.3.7", PREFLIGHT(APP, "GET"), 204,
        FIELDS(TOLD, "Access-Control-Allow-Methods~GET", "Access-Control-Allow-Headers~Range",
               "Access-Control-Allow-Headers~Authorization"),
        OPEN),
    ROW("preflight of another origin", "9110 9.3.7", PREFLIGHT(FROM("https://evil.example"), "GET"), 204,
        FIELDS(UNTOLD), OPEN),
    ROW("fields to be seen are named", "9110 6.3", GET("/alpha.txt", APP), 200,
        FIELDS("Access-Control-Expose-Headers~ETag", "Access-Control-Expose-Headers~Content-Range"), OPEN),
};
const struct group group_cors_origins = GROUP("--cors=ORIGIN", site_plain, cors_origins, "--cors=https://app.example",
                                              "--cors=http://localhost:3000", NULL);

static const struct row cors_auth[] = {
    ROW("preflight needs no password", "9110 9.3.7", PREFLIGHT(APP, "GET"), 204, FIELDS(TOLD), OPEN),
    ROW("401 can be seen", "9110 15.5.2", GET("/alpha.txt", APP), 401, FIELDS(TOLD), OPEN),
    ROW("with its password", "7617 2", GET("/alpha.txt", APP "Authorization: Basic YWxpOnNlc2FtZQ==\r\n"), 200,
        FIELDS(TOLD), BODY(ALPHABET), OPEN),
};
const struct group group_cors_auth = GROUP("--cors=ORIGIN --auth", site_plain, cors_auth, "--cors=https://app.example",
                                           "--auth", "<dir>/htpasswd", NULL);

static const struct row default_type[] = {
    ROW("no extension", "9110 8.3", GET("/types/nosuffix", ""), 200,
        FIELDS("Content-Type: text/x-default; charset=utf-8"), OPEN),
    ROW("unknown extension", "9110 8.3", GET("/types/t.UNKNW", ""), 200,
        FIELDS("Content-Type: text/x-default; charset=utf-8"), OPEN),
    ROW("in a part", "9110 14.6", GET("/types/nosuffix", "Range: bytes=0-0\r\n"), 206,
        FIELDS("Content-Type: text/x-default; charset=utf-8"), OPEN),
    ROW("known extension", "9110 8.3", GET("/alpha.txt", ""), 200, FIELDS("Content-Type: text/plain; charset=utf-8"),
        OPEN),
    ROW("known as bytes", "9110 8.3", GET("/zeros.bin", ""), 200, FIELDS("Content-Type: application/octet-stream"),
        OPEN),
};
const struct group group_default_type =
    GROUP("--default-type", site_plain, default_type, "--default-type", "text/x-default", NULL);
