/* Conditional requests (RFC 9110 section 13), whole. */
#include "groups.h"
#include "site.h"

#define ALPHA(fields) GET("/alpha.txt", fields)
#define TAG "<etag:/alpha.txt>"
#define BEFORE_IT "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER_IT "Sun, 06 Nov 1994 08:49:38 GMT"
#define NONE_MATCH(value) ALPHA("If-None-Match: " value "\r\n")
#define IF_MATCH(value) ALPHA("If-Match: " value "\r\n")
#define UNMODIFIED(value) ALPHA("If-Unmodified-Since: " value "\r\n")
#define IF_RANGE(value) ALPHA("Range: bytes=0-1\r\nIf-Range: " value "\r\n")

static const struct row conditional[] = {
    ROW("If-None-Match, weak", "9110 13.1.2", NONE_MATCH("W/" TAG), 304, EMPTY, FIELDS("ETag: " TAG), OPEN),
    ROW("If-None-Match, list", "9110 13.1.2", NONE_MATCH("\"a\", " TAG ", \"b\""), 304, EMPTY, OPEN),
    ROW("If-None-Match, last of a list", "9110 13.1.2", NONE_MATCH("\"a\",W/\"b\"," TAG), 304, EMPTY, OPEN),
    ROW("If-None-Match, weak in a list", "9110 13.1.2", NONE_MATCH("\"a\" ,\tW/" TAG), 304, EMPTY, OPEN),
    ROW("If-None-Match, empty elements", "9110 5.6.1.2", NONE_MATCH(", ,\"a\",," TAG ","), 304, EMPTY, OPEN),
    ROW("If-None-Match, list of others", "9110 13.1.2", NONE_MATCH("\"a\", W/\"b\""), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, comma in a tag", "9110 8.8.3", NONE_MATCH("\"a,b\", " TAG), 304, EMPTY, OPEN),
    ROW("If-None-Match, our tag inside another", "9110 8.8.3", NONE_MATCH("\"x" TAG "x\""), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, weakness has a case", "9110 8.8.3", NONE_MATCH("w/" TAG), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, two fields", "9110 5.3", ALPHA("If-None-Match: \"a\"\r\nIf-None-Match: " TAG "\r\n"), 304,
        OPEN),
    ROW("If-None-Match, empty", "9110 13.1.2", NONE_MATCH(""), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, a star in quotes", "9110 13.1.2", NONE_MATCH("\"*\""), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, no quotes", "9110 8.8.3", NONE_MATCH("abc"), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match, another file's tag", "9110 13.1.2", NONE_MATCH("<etag:/sub/>"), 200, BODY(ALPHABET), OPEN),
    ROW("If-None-Match of a folder", "9110 13.2.1", GET("/sub", "If-None-Match: *\r\n"), 301, OPEN),
    ROW("If-None-Match of an index", "9110 13.1.2", GET("/sub/", "If-None-Match: <etag:/sub/>\r\n"), 304, OPEN),
    ROW("If-None-Match with OPTIONS", "9110 13.2.1", REQUEST("OPTIONS", "/alpha.txt", "If-None-Match: *\r\n"), 204,
        OPEN),

    ROW("If-Match", "9110 13.1.1", IF_MATCH(TAG), 200, BODY(ALPHABET), OPEN),
    ROW("If-Match *", "9110 13.1.1", IF_MATCH("*"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Match, list", "9110 13.1.1", IF_MATCH("\"a\", \"b\"," TAG), 200, BODY(ALPHABET), OPEN),
    ROW("If-Match, comma in a tag", "9110 8.8.3", IF_MATCH("\"a,b\", " TAG), 200, BODY(ALPHABET), OPEN),
    ROW("If-Match, two fields", "9110 5.3", ALPHA("If-Match: \"a\"\r\nIf-Match: " TAG "\r\n"), 200, OPEN),
    ROW("If-Match, another", "9110 13.1.1", IF_MATCH("\"other\""), 412, OPEN),
    ROW("If-Match, list of others", "9110 13.1.1", IF_MATCH("\"a\", \"b\""), 412, OPEN),
    ROW("If-Match, weak", "9110 13.1.1", IF_MATCH("W/" TAG), 412, OPEN),
    ROW("If-Match, weak beside strong", "9110 13.1.1", IF_MATCH("W/" TAG ", " TAG), 200, OPEN),
    ROW("If-Match, HEAD", "9110 13.1.1", HEAD("/alpha.txt", "If-Match: \"other\"\r\n"), 412, EMPTY, OPEN),
    ROW("If-Match of what is not there", "9110 13.2.1", GET("/missing", "If-Match: \"other\"\r\n"), 404, OPEN),
    ROW("If-Match of a folder", "9110 13.2.1", GET("/sub", "If-Match: \"other\"\r\n"), 301, OPEN),
    ROW("If-Match of a method that isn't served", "9110 13.2.1", REQUEST("PUT", "/alpha.txt", "If-Match: \"x\"\r\n"),
        405, OPEN),
    ROW("next after 412", "9110 15.5.13", IF_MATCH("\"other\"") NEXT, 200, AFTER(412), BODY(ALPHABET), OPEN),

    ROW("If-Unmodified-Since, same", "9110 13.1.4", UNMODIFIED(WHEN), 200, BODY(ALPHABET), OPEN),
    ROW("If-Unmodified-Since, later", "9110 13.1.4", UNMODIFIED(AFTER_IT), 200, BODY(ALPHABET), OPEN),
    ROW("If-Unmodified-Since, earlier", "9110 13.1.4", UNMODIFIED(BEFORE_IT), 412, OPEN),
    ROW("If-Unmodified-Since, RFC 850 form", "9110 5.6.7", UNMODIFIED("Sunday, 06-Nov-94 08:49:36 GMT"), 412, OPEN),
    ROW("If-Unmodified-Since, no date", "9110 13.1.4", UNMODIFIED("never"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Unmodified-Since of what is not there", "9110 13.2.1",
        GET("/missing", "If-Unmodified-Since: " BEFORE_IT "\r\n"), 404, OPEN),

    ROW("If-Range, tag", "9110 13.1.5", IF_RANGE(TAG), 206, BODY("ab"), OPEN),
    ROW("If-Range, another tag", "9110 13.1.5", IF_RANGE("\"other\""), 200, BODY(ALPHABET), FIELDS("!Content-Range"),
        OPEN),
    ROW("If-Range, weak tag", "9110 13.1.5", IF_RANGE("W/" TAG), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, tag without its end", "9110 13.1.5", IF_RANGE("\"other"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, date", "9110 13.1.5", IF_RANGE(WHEN), 206, BODY("ab"), OPEN),
    ROW("If-Range, date in RFC 850 form", "9110 13.1.5", IF_RANGE("Sunday, 06-Nov-94 08:49:37 GMT"), 206, BODY("ab"),
        OPEN),
    ROW("If-Range, earlier date", "9110 13.1.5", IF_RANGE(BEFORE_IT), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, later date", "9110 13.1.5", IF_RANGE(AFTER_IT), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, neither tag nor date", "9110 13.1.5", IF_RANGE("other"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, star", "9110 13.1.5", IF_RANGE("*"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range without a range", "9110 13.1.5", ALPHA("If-Range: \"other\"\r\n"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Range, true, nothing satisfiable", "9110 13.2.2", ALPHA("Range: bytes=30-\r\nIf-Range: " TAG "\r\n"), 416,
        OPEN),
    ROW("If-Range, false, nothing satisfiable", "9110 13.2.2", ALPHA("Range: bytes=30-\r\nIf-Range: \"x\"\r\n"), 200,
        BODY(ALPHABET), OPEN),

    ROW("If-Match holds, then If-None-Match", "9110 13.2.2", ALPHA("If-None-Match: " TAG "\r\nIf-Match: " TAG "\r\n"),
        304, OPEN),
    ROW("If-Match fails before If-None-Match", "9110 13.2.2", ALPHA("If-None-Match: " TAG "\r\nIf-Match: \"x\"\r\n"),
        412, OPEN),
    ROW("If-Match hides If-Unmodified-Since", "9110 13.2.2",
        ALPHA("If-Unmodified-Since: " BEFORE_IT "\r\nIf-Match: " TAG "\r\n"), 200, BODY(ALPHABET), OPEN),
    ROW("If-Match fails, If-Unmodified-Since holds", "9110 13.2.2",
        ALPHA("If-Unmodified-Since: " WHEN "\r\nIf-Match: \"x\"\r\n"), 412, OPEN),
    ROW("If-Unmodified-Since fails before If-None-Match", "9110 13.2.2",
        ALPHA("If-None-Match: *\r\nIf-Unmodified-Since: " BEFORE_IT "\r\n"), 412, OPEN),
    ROW("If-Unmodified-Since holds, then If-Modified-Since", "9110 13.2.2",
        ALPHA("If-Modified-Since: " WHEN "\r\nIf-Unmodified-Since: " WHEN "\r\n"), 304, OPEN),
    ROW("If-None-Match hides If-Modified-Since", "9110 13.2.2",
        ALPHA("If-Modified-Since: " BEFORE_IT "\r\nIf-None-Match: " TAG "\r\n"), 304, OPEN),
    ROW("If-None-Match before Range", "9110 13.2.2", ALPHA("Range: bytes=0-1\r\nIf-None-Match: " TAG "\r\n"), 304,
        OPEN),
    ROW("If-None-Match fails, then Range", "9110 13.2.2", ALPHA("Range: bytes=0-1\r\nIf-None-Match: \"x\"\r\n"), 206,
        BODY("ab"), OPEN),
    ROW("If-Match fails before Range", "9110 13.2.2", ALPHA("Range: bytes=0-1\r\nIf-Match: \"x\"\r\n"), 412, OPEN),
    ROW("If-Match holds, then Range", "9110 13.2.2", ALPHA("Range: bytes=0-1\r\nIf-Match: *\r\n"), 206, BODY("ab"),
        OPEN),
    ROW("If-Modified-Since before Range", "9110 13.2.2", ALPHA("Range: bytes=0-1\r\nIf-Modified-Since: " WHEN "\r\n"),
        304, OPEN),
    ROW("If-Modified-Since before a range that isn't satisfiable", "9110 13.2.2",
        ALPHA("Range: bytes=30-\r\nIf-Modified-Since: " WHEN "\r\n"), 304, OPEN),
    ROW("all conditions hold", "9110 13.2.2",
        ALPHA("Range: bytes=0-1\r\nIf-Range: " TAG "\r\nIf-None-Match: \"x\"\r\nIf-Match: " TAG "\r\n"), 206,
        BODY("ab"), OPEN),
};
const struct group group_conditional = GROUP("conditional", site_plain, conditional, NULL);

#define SINCE(date) ALPHA("If-Modified-Since: " date "\r\n")
#define SAME(name, date) ROW(name, "9110 5.6.7", SINCE(date), 304, EMPTY, OPEN)
#define EARLIER(name, date) ROW(name, "9110 5.6.7", SINCE(date), 200, BODY(ALPHABET), OPEN)
#define NO_DATE(name, date) ROW(name, "9110 13.1.3", SINCE(date), 200, BODY(ALPHABET), OPEN)

static const struct row dates[] = {
    SAME("IMF-fixdate", WHEN),
    SAME("RFC 850 date", "Sunday, 06-Nov-94 08:49:37 GMT"),
    SAME("asctime date", "Sun Nov  6 08:49:37 1994"),
    EARLIER("IMF-fixdate, earlier", BEFORE_IT),
    EARLIER("RFC 850 date, earlier", "Sunday, 06-Nov-94 08:49:36 GMT"),
    EARLIER("asctime date, earlier", "Sun Nov  6 08:49:36 1994"),
    SAME("leap day", "Thu, 29 Feb 1996 00:00:00 GMT"),
    SAME("leap second", "Sat, 31 Dec 2016 23:59:60 GMT"),
    EARLIER("first day there is", "Thu, 01 Jan 1970 00:00:00 GMT"),
    EARLIER("RFC 850 date of the year before", "Saturday, 06-Nov-93 08:49:37 GMT"),
    NO_DATE("empty", ""),
    NO_DATE("zero", "0"),
    NO_DATE("seconds", "784111777"),
    NO_DATE("ISO 8601", "1994-11-06T08:49:37Z"),
    NO_DATE("another zone", "Sun, 06 Nov 1994 08:49:37 CET"),
    NO_DATE("no zone", "Sun, 06 Nov 1994 08:49:37"),
    NO_DATE("month in capitals", "Sun, 06 NOV 1994 08:49:37 GMT"),
    NO_DATE("thirteenth month", "Sun, 06 Foo 1995 08:49:37 GMT"),
    NO_DATE("day 32", "Sun, 32 Oct 1995 08:49:37 GMT"),
    NO_DATE("hour 24", "Sun, 06 Nov 1994 24:49:37 GMT"),
    NO_DATE("minute 60", "Sun, 06 Nov 1994 08:60:37 GMT"),
    NO_DATE("one digit for the day", "Sun, 6 Nov 1994 08:49:37 GMT"),
    NO_DATE("bytes behind it", "Sun, 06 Nov 1994 08:49:37 GMT; length=26"),
    NO_DATE("bytes before it", "x Sun, 06 Nov 1994 08:49:37 GMT"),
};
#define UNDATED(name, file, date)                                                                                      \
    ROW(name, "9110 8.8.2", GET("/times/" file, "If-Modified-Since: " date "\r\n"), 200, BODY(ALPHABET),               \
        FIELDS("!Last-Modified", "ETag"), OPEN)
#define YESTERDAY "Wed, 31 Dec 1969 00:00:00 GMT"
#define EPOCH "Thu, 01 Jan 1970 00:00:00 GMT"
#define TODAY "Sun, 01 Nov 2026 00:00:00 GMT"
#define AHEAD                                                                                                          \
    "Thu, 04 Dec 1997 07:08:48 GMT" /* what a time in the year 2100 is shown as: always the same, and long ago */
#define FUTURE(date) GET("/times/future", date "\r\n")

static const struct row times[] = {
    UNDATED("years before 1970", "before", YESTERDAY),
    UNDATED("years before 1970, asked by 1970", "before", EPOCH),
    UNDATED("years before 1970, asked by today", "before", TODAY),
    UNDATED("a second before 1970", "just-before", EPOCH),
    UNDATED("0", "zero", EPOCH),
    UNDATED("1", "one", TODAY),
    ROW("2", "9110 8.8.2", GET("/times/two", ""), 200, FIELDS("Last-Modified: Thu, 01 Jan 1970 00:00:02 GMT"), OPEN),
    ROW("before 1970, If-Unmodified-Since", "9110 13.1.4",
        GET("/times/before", "If-Unmodified-Since: " YESTERDAY "\r\n"), 200, OPEN),
    ROW("before 1970, If-Range", "9110 13.1.5", GET("/times/before", "Range: bytes=0-1\r\nIf-Range: " EPOCH "\r\n"),
        200, BODY(ALPHABET), OPEN),
    ROW("before 1970, the tag", "9110 13.1.2", GET("/times/before", "If-None-Match: <etag:/times/before>\r\n"), 304,
        FIELDS("!Last-Modified"), OPEN),
    ROW("in the future", "9110 8.8.2.1", GET("/times/future", ""), 200, FIELDS("Last-Modified: " AHEAD), OPEN),
    ROW("in the future, asked by its date", "9110 13.1.3", FUTURE("If-Modified-Since: " AHEAD), 304,
        FIELDS("Last-Modified: " AHEAD), OPEN),
    ROW("in the future, asked by today", "9110 13.1.3", FUTURE("If-Modified-Since: " TODAY), 200, OPEN),
    ROW("in the future, asked by its own time", "9110 13.1.3",
        FUTURE("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"), 200, OPEN),
    ROW("another in the future", "9110 8.8.2.1", GET("/times/later", "If-Modified-Since: " AHEAD "\r\n"), 200,
        FIELDS("Last-Modified: Thu, 04 Dec 1997 08:08:48 GMT"), OPEN),
    ROW("one in the future, asked by another's date", "9110 13.1.3",
        FUTURE("If-Modified-Since: Thu, 04 Dec 1997 08:08:48 GMT"), 200, OPEN),
    ROW("in the future, If-Unmodified-Since", "9110 13.1.4", FUTURE("If-Unmodified-Since: " AHEAD), 200, OPEN),
    ROW("in the future, If-Unmodified-Since today", "9110 13.1.4", FUTURE("If-Unmodified-Since: " TODAY), 412, OPEN),
    ROW("in the future, If-Range", "9110 13.1.5", FUTURE("Range: bytes=0-1\r\nIf-Range: " AHEAD), 206, BODY("ab"),
        OPEN),
};
const struct group group_times = GROUP("times", site_plain, times, NULL);
const struct group group_dates = GROUP("dates", site_plain, dates, NULL);
