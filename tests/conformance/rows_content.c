/* The options that shape what is served: listings, fallbacks, clean URLs, hosts, users, added fields. */
#include "groups.h"
#include "site.h"

#define JSON "Accept: application/json\r\n"
#define PAGE "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"

static const struct row listing[] = {
    ROW("HTML", "9110 15.3.1", GET("/", ""), 200,
        FIELDS("Content-Type: text/html; charset=utf-8", "!Accept-Ranges: none"), CONTAINS("zoo/", "b.txt"),
        CONTAINS_NO(".hidden"), OPEN),
    ROW("names are escaped as text", "9110 17.11", GET("/", ""), 200, CONTAINS("a &amp; &lt;b&gt;.txt"),
        CONTAINS_NO("<b>.txt"), OPEN),
    ROW("names are escaped as addresses", "3986 2.1", GET("/", ""), 200, CONTAINS("per%25cent%20%231%3F.txt"), OPEN),
    ROW("bytes that are not UTF-8 as an address", "3986 2.1", GET("/", ""), 200, CONTAINS("bad%FF.txt"), OPEN),
    ROW("addresses are plain names", "3986 4.2", GET("/", ""), 200,
        CONTAINS("<a href=\"zoo/\">", "<a href=\"b.txt\">", "<a href=\"c%3Ad%3B\">"), CONTAINS_NO("href=\"./"), OPEN),
    ROW("columns sort by Apache's links", "3986 3.4", GET("/", ""), 200,
        CONTAINS("<a href=\"?C=N;O=D\">", "<a href=\"?C=M;O=D\">", "<a href=\"?C=S;O=D\">"), OPEN),
    ROW("and the links sort", "3986 3.4", GET("/?C=S;O=A", ""), 200,
        CONTAINS("aria-sort=\"ascending\"><a href=\"?C=S;O=D\">"), OPEN),
    ROW("time and size as programs read them", "9110 8.8.2", GET("/", ""), 200,
        CONTAINS("1994-11-06 08:49</time></td> <td>-</td>",
                 "1994-11-06 08:49</time></td> <td title=\"26 bytes\">26</td>"),
        OPEN),
    ROW("HEAD", "9110 9.3.2", HEAD("/", ""), 200, EMPTY, FIELDS("Content-Type: text/html; charset=utf-8"), OPEN),
    ROW("JSON by query", "9110 12.1", GET("/?format=json", ""), 200, FIELDS("Content-Type~application/json"),
        CONTAINS("\"name\":\"b.txt\"", "\"type\":\"file\"", "\"size\":26"), CONTAINS_NO(".hidden"), OPEN),
    ROW("JSON has folders first", "9110 12.1", GET("/?format=json", ""), 200,
        CONTAINS("\"name\":\"zoo\",\"type\":\"directory\"", "\"name\":\"b.txt\",\"type\":\"file\""), OPEN),
    ROW("JSON has dates", "9110 12.1", GET("/?format=json", ""), 200, CONTAINS("\"mtime\":\"" WHEN "\""), OPEN),
    ROW("JSON has addresses", "3986 2.1", GET("/?format=json", ""), 200,
        CONTAINS("\"href\":\"zoo/\"}", "\"size\":9,\"href\":\"bad%FF.txt\"}", "\"href\":\"c%3Ad%3B\"}"), OPEN),
    ROW("JSON by Accept", "9110 12.5.1", GET("/", JSON), 200, FIELDS("Content-Type~application/json", "Vary~Accept"),
        CONTAINS("\"name\":\"b.txt\""), OPEN),
    ROW("JSON escapes quotes", "8259 7", GET("/?format=json", ""), 200, CONTAINS("quo\\\"te'.txt"), OPEN),
    ROW("what a browser accepts", "9110 12.5.1", GET("/", PAGE), 200,
        FIELDS("Content-Type: text/html; charset=utf-8", "Vary~Accept"), OPEN),
    ROW("folder with an index", "9110 15.3.1", GET("/indexed/", ""), 200, BODY("an index\n"), OPEN),
    ROW("empty folder", "9110 15.3.1", GET("/zoo/", ""), 200, FIELDS("Content-Type: text/html; charset=utf-8"), OPEN),
    ROW("empty folder as JSON", "8259 5", GET("/zoo/?format=json", ""), 200, CONTAINS("[]"), OPEN),
    ROW("redirect", "9110 15.4.2", GET("/zoo?format=json", ""), 301, FIELDS("Location: /zoo/?format=json"), OPEN),
    ROW("missing folder", "9110 15.5.5", GET("/missing/", ""), 404, OPEN),
};
const struct group group_listing = GROUP("--list", site_listing, listing, "--list", NULL);

#define NOTHING "404: nothing at this address\n"

static const struct row not_found[] = {
    ROW("404.html in the root", "9110 15.5.5", GET("/missing", ""), 404, BODY(NOTHING), OPEN),
    ROW("404.html, deep down", "9110 15.5.5", GET("/a/b/c", ""), 404, BODY(NOTHING), OPEN),
    ROW("404.html, HEAD", "9110 15.5.5", HEAD("/missing", ""), 404, EMPTY, FIELDS("Content-Length: 29"), OPEN),
    ROW("404.html has no range", "9110 14.2", GET("/missing", "Range: bytes=0-1\r\n"), 404, BODY(NOTHING), OPEN),
    ROW("404.html has no conditions", "9110 13.2.1", GET("/missing", "If-None-Match: *\r\n"), 404, BODY(NOTHING), OPEN),
    ROW("404.html asked for", "9110 15.3.1", GET("/404.html", ""), 200, BODY(NOTHING), OPEN),
    ROW("other errors have their own page", "9110 15.5.4", GET("/bare/", ""), 403, CONTAINS("403"), OPEN),
};
const struct group group_not_found = GROUP("404.html", site_app, not_found, NULL);

static const struct row own_not_found[] = {
    ROW("--not-found", "9110 15.5.5", GET("/missing", ""), 404, BODY("lost\n"), OPEN),
    ROW("--not-found, deep down", "9110 15.5.5", GET("/a/b/c", ""), 404, BODY("lost\n"), OPEN),
};
const struct group group_own_not_found =
    GROUP("--not-found", site_app, own_not_found, "--not-found", "lost.html", NULL);

#define MODE(mode) "Sec-Fetch-Mode: " mode "\r\n"
#define DEST(destination) "Sec-Fetch-Dest: " destination "\r\n"
#define APP 200, CONTAINS("<title>home</title>"), FIELDS("Vary: " VARY)
#define VARY "Accept, Sec-Fetch-Dest, Sec-Fetch-Mode"

static const struct row spa[] = {
    ROW("route", "9110 15.3.1", GET("/users/7", PAGE), 200, CONTAINS("<title>home</title>"), OPEN),
    ROW("route with a slash", "9110 15.3.1", GET("/users/", PAGE), 200, CONTAINS("<title>home</title>"), OPEN),
    ROW("route with a query", "9110 15.3.1", GET("/users?page=2.5", PAGE), 200, CONTAINS("<title>home</title>"), OPEN),
    ROW("route, not modified", "9110 13.1.2", GET("/users/7", PAGE "If-None-Match: <etag:/index.html>\r\n"), 304, OPEN),
    ROW("file", "9110 15.3.1", GET("/alpha.txt", PAGE), 200, BODY(ALPHABET), OPEN),
    ROW("missing file with an extension", "9110 15.5.5", GET("/app.js", PAGE), 404, OPEN),
    ROW("missing, not for a page", "9110 15.5.5", GET("/users/7", "Accept: application/json\r\n"), 404, OPEN),
    ROW("route, accepts anything", "9110 12.5.1", GET("/users/7", "Accept: */*\r\n"), APP, OPEN),
    ROW("route, accepts anything, HEAD", "9110 12.5.1", HEAD("/users/7", "Accept: */*\r\n"), 200, EMPTY,
        FIELDS("Content-Length: 35", "Vary~Sec-Fetch-Mode"), OPEN),
    ROW("route, HEAD", "9110 9.3.2", HEAD("/users/7", PAGE), 200, EMPTY, FIELDS("Content-Length: 35"), OPEN),
    ROW("route, accepts HTML in capitals", "9110 8.3.1", GET("/users/7", "Accept: TEXT/HTML\r\n"), APP, OPEN),
    ROW("route, accepts several, in lines", "9110 5.3", GET("/users/7", "Accept: image/png\r\nAccept: */*;q=0.1\r\n"),
        APP, OPEN),
    ROW("missing, accepts JSON, else anything", "9110 12.5.1", GET("/users/7", "Accept: application/json, */*\r\n"),
        APP, OPEN),
    ROW("missing, refuses HTML", "9110 12.4.2", GET("/users/7", "Accept: text/html;q=0, */*\r\n"), 404, OPEN),
    ROW("missing, refuses the rest", "9110 12.4.2", GET("/users/7", "Accept: image/png, */*;q=0.0\r\n"), 404, OPEN),
    ROW("missing, accepts images", "9110 12.5.1", GET("/users/7", "Accept: image/*\r\n"), 404, OPEN),
    ROW("missing, no Accept", "9110 15.5.5", GET("/users/7", ""), 404, OPEN),
    ROW("missing, empty Accept", "9110 15.5.5", GET("/users/7", "Accept:\r\n"), 404, OPEN),
    ROW("navigation by its mode", "fetch-metadata 2.3", GET("/users/7", MODE("navigate") "Accept: */*\r\n"), APP, OPEN),
    ROW("navigation by its mode, no Accept", "fetch-metadata 2.3", GET("/users/7", MODE("navigate")), APP, OPEN),
    ROW("navigation by its destination", "fetch-metadata 2.1", GET("/users/7", DEST("document")), APP, OPEN),
    ROW("navigation of a frame", "fetch-metadata 2.1", GET("/users/7", DEST("iframe") MODE("navigate")), APP, OPEN),
    ROW("navigation, HEAD", "fetch-metadata 2.3", HEAD("/users/7", MODE("navigate")), 200, EMPTY, OPEN),
    ROW("fetch()", "fetch-metadata 2.3", GET("/api/7", DEST("empty") MODE("cors") "Accept: */*\r\n"), 404,
        FIELDS("Vary~Sec-Fetch-Dest"), OPEN),
    ROW("fetch() that accepts HTML", "fetch-metadata 2.3", GET("/api/7", DEST("empty") MODE("same-origin") PAGE), 404,
        OPEN),
    ROW("script", "fetch-metadata 2.1", GET("/app", DEST("script") MODE("no-cors") "Accept: */*\r\n"), 404, OPEN),
    ROW("image, by its destination alone", "fetch-metadata 2.1", GET("/app", DEST("image") PAGE), 404, OPEN),
    ROW("image, by its mode alone", "fetch-metadata 2.3", GET("/app", MODE("no-cors") PAGE), 404, OPEN),
    ROW("navigation in capitals is none", "8941 3.3.4", GET("/app", MODE("NAVIGATE") PAGE), 404, OPEN),
    ROW("navigation to a missing file", "9110 15.5.5", GET("/app.js", DEST("document") MODE("navigate") PAGE), 404,
        FIELDS("!Vary"), OPEN),
    ROW("navigation to a file", "9110 15.3.1", GET("/alpha.txt", MODE("navigate")), 200, BODY(ALPHABET),
        FIELDS("!Vary"), OPEN),
    ROW("route with a dot", "9110 15.3.1", GET("/user/john.doe", PAGE), APP, OPEN),
    ROW("route with a dot, by its mode", "9110 15.3.1", GET("/user/john.doe", MODE("navigate")), APP, OPEN),
    ROW("route with a dot, accepts anything", "9110 15.3.1", GET("/user/john.doe", "Accept: */*\r\n"), APP, OPEN),
    ROW("route with a version", "9110 15.3.1", GET("/docs/v1.2/", PAGE), APP, OPEN),
    ROW("route below a name with an extension", "9110 15.3.1", GET("/app.js/edit", PAGE), APP, OPEN),
    ROW("route with a dot, fetch()", "9110 15.5.5", GET("/user/john.doe", MODE("cors") PAGE), 404, OPEN),
    ROW("missing file, extension in capitals", "9110 15.5.5", GET("/photo.JPG", PAGE), 404, OPEN),
    ROW("missing page", "9110 15.5.5", GET("/users/7.html", PAGE), 404, OPEN),
    ROW("missing file of no special type", "9110 15.5.5", GET("/data.bin", PAGE), 404, OPEN),
    ROW("folder without an index", "9110 15.5.4", GET("/bare/", PAGE), 403, OPEN),
    ROW("route, not modified, varies as well", "9110 15.4.5",
        GET("/users/7", PAGE "If-None-Match: <etag:/index.html>\r\n"), 304, FIELDS("Vary~Accept"), OPEN),
    ROW("POST of a route", "9110 15.5.6", REQUEST("POST", "/users/7", PAGE), 405, OPEN),
    ROW("OPTIONS of a route", "9110 9.3.7", REQUEST("OPTIONS", "/users/7", PAGE), 204, OPEN),
};
const struct group group_spa = GROUP("--spa", site_app, spa, "--spa", NULL);

static const struct row spa_file[] = {
    ROW("route", "9110 15.3.1", GET("/users/7", PAGE), 200, BODY("the app\n"), OPEN),
    ROW("root", "9110 15.3.1", GET("/", PAGE), 200, CONTAINS("<title>home</title>"), OPEN),
};
const struct group group_spa_file = GROUP("--spa=FILE", site_app, spa_file, "--spa=app.html", NULL);

#define TO(target) 301, FIELDS("Location: " target)

/* Every way to write an address, for every kind of name. */
static const struct row clean_urls[] = {
    ROW("page without its suffix", "9110 15.3.1", GET("/about", ""), 200, BODY("about\n"),
        FIELDS("Content-Type: text/html; charset=utf-8"), OPEN),
    ROW("page with its suffix", "9110 15.4.2", GET("/about.html", ""), TO("/about"), OPEN),
    ROW("page with a slash", "9110 15.4.2", GET("/about/", ""), TO("/about"), OPEN),
    ROW("page with its suffix and a slash", "9110 15.5.5", GET("/about.html/", ""), 404, OPEN),
    ROW("page as a folder", "9110 15.5.5", GET("/about/index", ""), 404, OPEN),
    ROW("page as a folder, index by its name", "9110 15.5.5", GET("/about/index.html", ""), 404, OPEN),
    ROW("page in a folder", "9110 15.3.1", GET("/sub/page", ""), 200, BODY("page of sub\n"), OPEN),
    ROW("page in a folder, with its suffix", "9110 15.4.2", GET("/sub/page.html", ""), TO("/sub/page"), OPEN),
    ROW("page in a folder, with a slash", "9110 15.4.2", GET("/sub/page/", ""), TO("/sub/page"), OPEN),

    ROW("folder", "9110 15.4.2", GET("/sub", ""), TO("/sub/"), OPEN),
    ROW("folder with its slash", "9110 15.3.1", GET("/sub/", ""), 200, BODY("sub index\n"), OPEN),
    ROW("folder with a suffix", "9110 15.5.5", GET("/sub.html", ""), 404, OPEN),
    ROW("index", "9110 15.4.2", GET("/sub/index", ""), TO("/sub/"), OPEN),
    ROW("index with its suffix", "9110 15.4.2", GET("/sub/index.html", ""), TO("/sub/"), OPEN),
    ROW("index with a slash", "9110 15.4.2", GET("/sub/index/", ""), TO("/sub/"), OPEN),
    ROW("index of the root", "9110 15.4.2", GET("/index", ""), TO("/"), OPEN),
    ROW("index of the root with its suffix", "9110 15.4.2", GET("/index.html", ""), TO("/"), OPEN),
    ROW("index of the root with a slash", "9110 15.4.2", GET("/index/", ""), TO("/"), OPEN),
    ROW("root", "9110 15.3.1", GET("/", ""), 200, CONTAINS("home"), OPEN),

    ROW("page and folder", "9110 15.3.1", GET("/both", ""), 200, BODY("the page\n"), OPEN),
    ROW("page and folder, with a slash", "9110 15.3.1", GET("/both/", ""), 200, BODY("the folder\n"), OPEN),
    ROW("page and folder, with a suffix", "9110 15.4.2", GET("/both.html", ""), TO("/both"), OPEN),
    ROW("page and folder, index", "9110 15.4.2", GET("/both/index", ""), TO("/both/"), OPEN),
    ROW("page and folder, index with its suffix", "9110 15.4.2", GET("/both/index.html", ""), TO("/both/"), OPEN),
    ROW("page and folder without an index", "9110 15.3.1", GET("/team", ""), 200, BODY("the team\n"), OPEN),
    ROW("page and folder without an index, with a slash", "9110 15.4.2", GET("/team/", ""), TO("/team"), OPEN),
    ROW("page below a page", "9110 15.3.1", GET("/team/ann", ""), 200, BODY("ann\n"), OPEN),
    ROW("folder without an index or a page", "9110 15.4.2", GET("/bare", ""), TO("/bare/"), OPEN),
    ROW("folder without an index or a page, with its slash", "9110 15.5.4", GET("/bare/", ""), 403, OPEN),

    ROW("page and file", "9110 15.3.1", GET("/plain", ""), 200, BODY("the file\n"), OPEN),
    ROW("page and file, with a suffix", "9110 15.3.1", GET("/plain.html", ""), 200, BODY("the page beside it\n"), OPEN),
    ROW("page whose name has the suffix twice", "9110 15.4.2", GET("/twice.html.html", ""), TO("/twice.html"), OPEN),
    ROW("page whose name has the suffix twice, its address", "9110 15.3.1", GET("/twice.html", ""), 200,
        BODY("twice\n"), OPEN),
    ROW("page whose name has a dot", "9110 15.3.1", GET("/v1.2", ""), 200, BODY("version\n"), OPEN),
    ROW("page whose name has a dot, with its suffix", "9110 15.4.2", GET("/v1.2.html", ""), TO("/v1.2"), OPEN),
    ROW("folder whose name is a page's", "9110 15.4.2", GET("/site.html", ""), TO("/site.html/"), OPEN),
    ROW("folder whose name is a page's, with its slash", "9110 15.3.1", GET("/site.html/", ""), 200, BODY("a site\n"),
        OPEN),
    ROW("other file", "9110 15.3.1", GET("/alpha.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("other file with a slash", "9110 15.5.5", GET("/alpha.txt/", ""), 404, OPEN),
    ROW("missing page", "9110 15.5.5", GET("/missing", ""), 404, OPEN),
    ROW("missing page with a slash", "9110 15.5.5", GET("/missing/", ""), 404, OPEN),
    ROW("missing page with its suffix", "9110 15.5.5", GET("/missing.html", ""), 404, OPEN),
    ROW("suffix without a name", "9110 15.5.5", GET("/.html", ""), 404, OPEN),

    ROW("query is kept", "9110 15.4.2", GET("/about.html?a=b", ""), TO("/about?a=b"), OPEN),
    ROW("query is kept, slash", "9110 15.4.2", GET("/about/?a=/b/", ""), TO("/about?a=/b/"), OPEN),
    ROW("query is kept, index", "9110 15.4.2", GET("/sub/index?", ""), TO("/sub/?"), OPEN),
    ROW("HEAD", "9110 9.3.2", HEAD("/about/", ""), TO("/about"), EMPTY, OPEN),
    ROW("redirect keeps escapes needed", "9110 10.2.2", GET("/space%20page/", ""), TO("/space%20page"), OPEN),
    ROW("redirect doesn't leave the host", "3986 4.2", GET("//about.html", ""), TO("/about"), OPEN),
    ROW("redirect doesn't leave the host, slash", "3986 4.2", GET("//about/", ""), TO("/about"), OPEN),
    ROW("redirect doesn't leave the host, escaped", "3986 4.2", GET("/%2F%2Fabout%2F", ""), TO("/about"), OPEN),
    ROW("redirect doesn't leave the host, index", "3986 4.2", GET("///index", ""), TO("/"), OPEN),
    ROW("conditions apply", "9110 13.1.2", GET("/about", "If-None-Match: <etag:/about>\r\n"), 304, OPEN),
    ROW("ranges apply", "9110 14.2", GET("/both", "Range: bytes=0-2\r\n"), 206, BODY("the"), OPEN),
};
const struct group group_clean_urls = GROUP("--clean-urls", site_app, clean_urls, "--clean-urls", NULL);

static const struct row clean_listed[] = {
    ROW("page and folder without an index", "9110 15.3.1", GET("/team", ""), 200, BODY("the team\n"), OPEN),
    ROW("folder without an index, with its slash", "9110 15.3.1", GET("/team/", ""), 200, CONTAINS("ann.html"), OPEN),
    ROW("page with a slash", "9110 15.4.2", GET("/about/", ""), TO("/about"), OPEN),
};
const struct group group_clean_listed =
    GROUP("--clean-urls --list", site_app, clean_listed, "--clean-urls", "--list", NULL);

static const struct row clean_app[] = {
    ROW("page", "9110 15.3.1", GET("/about", PAGE), 200, BODY("about\n"), FIELDS("!Vary"), OPEN),
    ROW("page with a slash", "9110 15.4.2", GET("/about/", PAGE), TO("/about"), OPEN),
    ROW("route", "9110 15.3.1", GET("/users/", PAGE), APP, OPEN),
};
const struct group group_clean_app = GROUP("--clean-urls --spa", site_app, clean_app, "--clean-urls", "--spa", NULL);

static const struct row clean_index[] = {
    ROW("the index", "9110 15.4.2", GET("/about.html", ""), TO("/"), OPEN),
    ROW("the index without its suffix", "9110 15.4.2", GET("/about", ""), TO("/"), OPEN),
    ROW("root", "9110 15.3.1", GET("/", ""), 200, BODY("about\n"), OPEN),
    ROW("another index is a page", "9110 15.4.2", GET("/index.html", ""), TO("/index"), OPEN),
    ROW("another index is a page, its address", "9110 15.3.1", GET("/index", ""), 200, CONTAINS("home"), OPEN),
    ROW("another index", "9110 15.3.1", GET("/sub/", ""), 200, BODY("sub index\n"), OPEN),
};
const struct group group_clean_index =
    GROUP("--clean-urls -i", site_app, clean_index, "--clean-urls", "-i", "about.html", "-i", "index.html", NULL);

static const struct row indexes[] = {
    ROW("first index", "9110 15.3.1", GET("/", ""), 200, BODY("home\n"), OPEN),
    ROW("second index", "9110 15.3.1", GET("/second/", ""), 200, BODY("second choice\n"), OPEN),
    ROW("the default isn't added", "9110 15.5.4", GET("/third/", ""), 403, OPEN),
};
const struct group group_index = GROUP("-i", site_no_index, indexes, "-i", "home.html", "-i", "index.htm", NULL);

#define HOST(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define FALLBACK 200, BODY("fallback\n")

static const struct row vhosts[] = {
    ROW("one host", "9110 7.2", HOST("a.test"), 200, BODY("host a\n"), OPEN),
    ROW("another host", "9110 7.2", HOST("b.test"), 200, BODY("host b\n"), OPEN),
    ROW("port doesn't count", "9110 7.2", HOST("a.test:8080"), 200, BODY("host a\n"), OPEN),
    ROW("case doesn't count", "9110 4.2.3", HOST("A.TesT"), 200, BODY("host a\n"), OPEN),
    ROW("unknown host", "9110 7.2", HOST("c.test"), FALLBACK, OPEN),
    ROW("no host in HTTP/1.0", "9112 3.3", "GET / HTTP/1.0\r\n\r\n", FALLBACK, CLOSED),
    ROW("absolute form beats Host", "9112 3.2.2", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 200,
        BODY("host b\n"), OPEN),
    ROW("each request has its host", "9110 7.2", HOST("a.test") HOST("c.test") HOST("b.test"), 200, AFTER(200, 200),
        BODY("host b\n"), OPEN),
    ROW("file of another host", "9110 7.4", GET("/only-b.txt", ""), 404, OPEN),
    ROW("file of no host", "9110 17.3", GET("/stray.txt", ""), 404, OPEN),
    ROW("host that is a double dot", "9110 17.3", HOST(".."), FALLBACK, OPEN),
    ROW("host that is a dot", "9110 17.3", HOST("."), FALLBACK, OPEN),
    ROW("host that is a file", "9110 17.3", HOST("stray.txt"), FALLBACK, OPEN),
    ROW("above one host to another", "3986 5.2.4", "GET /../b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, CLOSED),
    ROW("above one host to another, slashes escaped", "3986 5.2.4",
        "GET /..%2fb.test%2f HTTP/1.1\r\nHost: a.test\r\n\r\n", 400, CLOSED),
    ROW("redirect of a folder", "9110 15.4.2", "GET /sub HTTP/1.1\r\nHost: a.test\r\n\r\n", 301,
        FIELDS("Location: /sub/"), OPEN),
};
const struct group group_vhosts = GROUP("--vhosts", site_vhosts, vhosts, "--vhosts", NULL);

#define OF_A(target) "GET " target " HTTP/1.1\r\nHost: a.test\r\n\r\n"

static const struct row clean_vhosts[] = {
    ROW("page", "9110 15.3.1", OF_A("/page"), 200, BODY("page of a\n"), OPEN),
    ROW("page with a slash", "9110 15.4.2", OF_A("/page/"), TO("/page"), OPEN),
    ROW("page with its suffix", "9110 15.4.2", OF_A("/page.html"), TO("/page"), OPEN),
    ROW("index", "9110 15.4.2", OF_A("/sub/index"), TO("/sub/"), OPEN),
    ROW("page of another host", "9110 7.4", GET("/page", ""), 404, OPEN),
};
const struct group group_clean_vhosts =
    GROUP("--clean-urls --vhosts", site_vhosts, clean_vhosts, "--clean-urls", "--vhosts", NULL);

#define USER(credentials) GET("/alpha.txt", "Authorization: " credentials "\r\n")
#define REFUSED 401, FIELDS("WWW-Authenticate~Basic realm=", "!ETag"), CONTAINS_NO(ALPHABET)

static const struct row auth[] = {
    ROW("nobody", "7617 2", GET("/alpha.txt", ""), REFUSED, OPEN),
    ROW("nobody, HEAD", "7617 2", HEAD("/alpha.txt", ""), REFUSED, EMPTY, OPEN),
    ROW("nobody, what is not there", "7617 2", GET("/missing", ""), REFUSED, OPEN),
    ROW("right password", "7617 2", USER("Basic YWxpOnNlc2FtZQ=="), 200, BODY(ALPHABET), OPEN),
    ROW("another user", "7617 2", USER("Basic YmFiYTpvcGVu"), 200, BODY(ALPHABET), OPEN),
    ROW("scheme in another case", "9110 11.1", USER("bASIC YWxpOnNlc2FtZQ=="), 200, BODY(ALPHABET), OPEN),
    ROW("wrong password", "7617 2", USER("Basic YWxpOndyb25n"), REFUSED, OPEN),
    ROW("another user's password", "7617 2", USER("Basic YWxpOm9wZW4="), REFUSED, OPEN),
    ROW("empty password", "7617 2", USER("Basic YWxpOg=="), REFUSED, OPEN),
    ROW("beginning of the password", "7617 2", USER("Basic YWxpOnNlc2Ft"), REFUSED, OPEN),
    ROW("unknown user", "7617 2", USER("Basic ZXZlOnNlc2FtZQ=="), REFUSED, OPEN),
    ROW("no colon", "7617 2", USER("Basic YWxp"), REFUSED, OPEN),
    ROW("no base64", "7617 2", USER("Basic !!!!"), REFUSED, OPEN),
    ROW("no credentials", "7617 2", USER("Basic"), REFUSED, OPEN),
    ROW("another scheme", "9110 11.4", USER("Bearer YWxpOnNlc2FtZQ=="), REFUSED, OPEN),
    ROW("refused, then right", "7617 2", GET("/", "") USER("Basic YWxpOnNlc2FtZQ=="), 200, AFTER(401), BODY(ALPHABET),
        OPEN),
    ROW("right, then nobody", "7617 2", USER("Basic YWxpOnNlc2FtZQ==") GET("/alpha.txt", ""), REFUSED, AFTER(200),
        OPEN),
};
const struct group group_auth = GROUP("--auth", site_plain, auth, "--auth", "<dir>/htpasswd", NULL);

#define ADDED "X-Added: some value", "X-Second: 2"

static const struct row header[] = {
    ROW("200", "9110 6.3", GET("/alpha.txt", ""), 200, FIELDS(ADDED), OPEN),
    ROW("206", "9110 6.3", GET("/alpha.txt", "Range: bytes=0-0\r\n"), 206, FIELDS(ADDED), OPEN),
    ROW("206 of parts", "9110 6.3", GET("/alpha.txt", "Range: bytes=0-0,2-2\r\n"), 206, FIELDS(ADDED), OPEN),
    ROW("304", "9110 6.3", GET("/alpha.txt", "If-None-Match: *\r\n"), 304, FIELDS(ADDED), OPEN),
    ROW("301", "9110 6.3", GET("/sub", ""), 301, FIELDS(ADDED), OPEN),
    ROW("404", "9110 6.3", GET("/missing", ""), 404, FIELDS(ADDED), OPEN),
    ROW("405", "9110 6.3", REQUEST("PUT", "/", ""), 405, FIELDS(ADDED), OPEN),
    ROW("400", "9110 6.3", "BAD\r\n\r\n", 400, FIELDS(ADDED), CLOSED),
    ROW("204", "9110 6.3", REQUEST("OPTIONS", "*", ""), 204, FIELDS(ADDED), OPEN),
};
const struct group group_header =
    GROUP("--header", site_plain, header, "-H", "X-Added: some value", "--header", "X-Second: 2", NULL);

#define ORIGIN "Origin: https://app.example\r\n"

static const struct row cors[] = {
    ROW("file", "9110 6.3", GET("/alpha.txt", ORIGIN), 200, FIELDS("Access-Control-Allow-Origin: *"), OPEN),
    ROW("missing file", "9110 6.3", GET("/missing", ORIGIN), 404, FIELDS("Access-Control-Allow-Origin: *"), OPEN),
    ROW("preflight", "9110 9.3.7", REQUEST("OPTIONS", "/alpha.txt", ORIGIN "Access-Control-Request-Method: GET\r\n"),
        204, FIELDS("Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods~GET"), OPEN),
};
const struct group group_cors = GROUP("--cors", site_plain, cors, "--cors", NULL);

#define ISOLATED "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp"

static const struct row isolate[] = {
    ROW("page", "9110 6.3", GET("/", ""), 200, FIELDS(ISOLATED), OPEN),
    ROW("missing page", "9110 6.3", GET("/missing", ""), 404, FIELDS(ISOLATED), OPEN),
};
const struct group group_isolate = GROUP("--isolate", site_plain, isolate, "--isolate", NULL);

static const struct row redirects[] = {
    ROW("exact", "9110 15.4.2", GET("/old.html", ""), 301, FIELDS("Location: /new.html"), OPEN),
    ROW("to another host", "9110 15.4.2", GET("/ext", ""), 301, FIELDS("Location: https://example.com/x"), OPEN),
    ROW("the rest is kept", "9110 15.4.2", GET("/blog/2020/a.html", ""), 301, FIELDS("Location: /news/2020/a.html"),
        OPEN),
    ROW("slashes escaped", "9110 15.4.2", GET("/blog%2F2020%2fa.html", ""), 301, FIELDS("Location: /news/2020/a.html"),
        OPEN),
    ROW("the rest doesn't leave the host", "3986 4.2", GET("/blog/%2F%2fevil.example/", ""), 301,
        FIELDS("Location: /news/evil.example/"), OPEN),
    ROW("exact is exact", "9110 15.5.5", GET("/old.html/more", ""), 404, OPEN),
    ROW("before what is there", "9110 15.4.2", GET("/alpha.txt", ""), 301, FIELDS("Location: /beta.txt"), OPEN),
    ROW("the rest splits nothing", "9112 11.1", GET("/blog/%0d%0aSet-Cookie:%20a=b", ""), 301, FIELDS("!Set-Cookie"),
        OPEN),
    ROW("HEAD", "9110 15.4.2", HEAD("/old.html", ""), 301, EMPTY, FIELDS("Location: /new.html"), OPEN),
};
const struct group group_redirect =
    GROUP("--redirect", site_plain, redirects, "--redirect", "/old.html=/new.html", "--redirect",
          "/ext=https://example.com/x", "--redirect", "/blog/*=/news/*", "--redirect", "/alpha.txt=/beta.txt", NULL);

#define CACHED "Cache-Control: public, max-age=60"

static const struct row cache[] = {
    ROW("200", "9111 5.2", GET("/alpha.txt", ""), 200, FIELDS(CACHED), OPEN),
    ROW("206", "9111 5.2", GET("/alpha.txt", "Range: bytes=0-0\r\n"), 206, FIELDS(CACHED), OPEN),
    ROW("304", "9110 15.4.5", GET("/alpha.txt", "If-None-Match: *\r\n"), 304, FIELDS(CACHED), OPEN),
};
const struct group group_cache =
    GROUP("--cache-control", site_plain, cache, "--cache-control", "public, max-age=60", NULL);

static const struct row mime[] = {
    ROW("added type", "9110 8.3", GET("/t.own2", ""), 200, FIELDS("Content-Type: text/x-own; charset=utf-8"), OPEN),
    ROW("changed type", "9110 8.3", GET("/empty.txt", ""), 200, FIELDS("Content-Type: application/x-mine"), OPEN),
    ROW("type of the table", "9110 8.3", GET("/", ""), 200, FIELDS("Content-Type: text/html; charset=utf-8"), OPEN),
};
const struct group group_mime = GROUP("--mime-types", site_plain, mime, "--mime-types", "<dir>/mime.types", NULL);
