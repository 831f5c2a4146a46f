/* What may be beneath the root: names, links, special files. */
#include "groups.h"
#include "site.h"

static const struct row names[] = {
    ROW("space", "3986 2.1", GET("/sp%20ace.txt", ""), 200, BODY("space"), OPEN),
    ROW("percent sign", "3986 2.4", GET("/per%25cent.txt", ""), 200, BODY("percent"), OPEN),
    ROW("what looks like an escape", "3986 2.4", GET("/per%252fcent.txt", ""), 200, BODY("literal escape"), OPEN),
    ROW("plus", "3986 2.2", GET("/plus+.txt", ""), 200, BODY("plus"), OPEN),
    ROW("plus escaped", "3986 2.2", GET("/plus%2b.txt", ""), 200, BODY("plus"), OPEN),
    ROW("question mark", "3986 2.2", GET("/q%3Fmark.txt", ""), 200, BODY("question"), OPEN),
    ROW("semicolon", "3986 3.3", GET("/semi;colon.txt", ""), 200, BODY("semicolon"), OPEN),
    ROW("hash", "3986 2.2", GET("/hash%23.txt", ""), 200, BODY("hash"), OPEN),
    ROW("backslash", "3986 2.1", GET("/back%5Cslash.txt", ""), 200, BODY("backslash"), OPEN),
    ROW("colon", "3986 3.3", GET("/co:lon.txt", ""), 200, BODY("colon"), OPEN),
    ROW("UTF-8", "3986 2.5", GET("/%C3%BCml%C3%A4ut.txt", ""), 200, BODY("utf-8"), OPEN),
    ROW("bytes that are not UTF-8", "3986 2.5", GET("/raw%ff%fe.txt", ""), 200, BODY("not utf-8"), OPEN),
    ROW("line feed", "3986 2.1", GET("/line%0Afeed.txt", ""), 200, BODY("line feed"), OPEN),
    ROW("tilde", "3986 2.3", GET("/tilde~.txt", ""), 200, BODY("tilde"), OPEN),
    ROW("tilde escaped", "3986 6.2.2.2", GET("/tilde%7E.txt", ""), 200, BODY("tilde"), OPEN),
    ROW("two dots in a name", "3986 3.3", GET("/two..dots.txt", ""), 200, BODY("two dots"), OPEN),
    ROW("dot at the end of a name", "3986 3.3", GET("/trailing.", ""), 200, BODY("trailing dot"), OPEN),
    ROW("name of 255 bytes", "9110 15.3.1", GET("/<repeat:255:n>", ""), 200, BODY("longest name"), OPEN),
    ROW("name of 256 bytes", "9110 15.5.5", GET("/<repeat:256:n>", ""), 404, OPEN),
    ROW("sixty levels", "9110 15.3.1", GET("/<repeat:60:d/>leaf.txt", ""), 200, BODY("sixty levels"), OPEN),
    ROW("sixty-one levels", "9110 15.5.5", GET("/<repeat:61:d/>leaf.txt", ""), 404, OPEN),
    ROW("folder with a space, redirect", "9110 10.2.2", GET("/space%20dir?a=b", ""), 301,
        FIELDS("Location: /space%20dir/?a=b"), OPEN),
    ROW("folder with a space", "9110 15.3.1", GET("/space%20dir/", ""), 200, BODY("space\n"), OPEN),
    ROW("folder with a line end", "9110 15.3.1", GET("/di%0D%0Ar/", ""), 200, BODY("folder with a line end\n"), OPEN),

    ROW("FIFO", "9110 15.5.4", GET("/fifo", ""), 403, OPEN),
    ROW("FIFO, HEAD", "9110 15.5.4", HEAD("/fifo", ""), 403, EMPTY, OPEN),
    ROW("FIFO as a folder", "9110 15.5.5", GET("/fifo/", ""), 404, OPEN),
    ROW("socket", "9110 15.5.4", GET("/socket", ""), 403, OPEN),
    ROW("unreadable file", "9110 15.5.4", GET("/unreadable.txt", ""), 403, AS_USER, OPEN),
    ROW("file in a closed folder", "9110 15.5.4", GET("/closed/file.txt", ""), 403, AS_USER, OPEN),
    ROW("closed folder", "9110 15.5.4", GET("/closed/", ""), 403, AS_USER, OPEN),

    ROW("link to a file", "9110 15.3.1", GET("/in.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("link to a link", "9110 15.3.1", GET("/chain.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("link through the parent", "9110 15.3.1", GET("/sub/up.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("link to a folder", "9110 15.4.2", GET("/in-dir", ""), 301, FIELDS("Location: /in-dir/"), OPEN),
    ROW("below a link to a folder", "9110 15.3.1", GET("/in-dir/deep/leaf.txt", ""), 200, BODY("leaf\n"), OPEN),
    ROW("a link has its file's tag", "9110 8.8.3", GET("/in.txt", "If-None-Match: <etag:/alpha.txt>\r\n"), 304, OPEN),
    ROW("link out of the root", "9110 17.3", GET("/out.txt", ""), 404, CONTAINS_NO("outside"), OPEN),
    ROW("link to a folder outside", "9110 17.3", GET("/out-dir", ""), 404, FIELDS("!Location"), OPEN),
    ROW("below a link to a folder outside", "9110 17.3", GET("/out-dir/secret.txt", ""), 404, CONTAINS_NO("outside"),
        OPEN),
    ROW("absolute link out of the root", "9110 17.3", GET("/absolute.txt", ""), 404, CONTAINS_NO("root:"), OPEN),
    ROW("link to itself", "9110 15.5.5", GET("/loop.txt", ""), 404, OPEN),
    ROW("link to nothing", "9110 15.5.5", GET("/dangling.txt", ""), 404, OPEN),
};
const struct group group_names = GROUP("names", site_plain, names, NULL);

static const struct row dotfiles[] = {
    ROW("hidden file", "8615 3", GET("/.hidden", ""), 200, BODY("hidden"), OPEN),
    ROW("hidden folder", "8615 3", GET("/.git/config", ""), 200, BODY("hidden"), OPEN),
    ROW("well-known", "8615 3", GET("/.well-known/acme.txt", ""), 200, BODY("well known"), OPEN),
    ROW("double dot above the root", "3986 5.2.4", GET("/../alpha.txt", ""), 400, CLOSED),
    ROW("double dot inside", "3986 5.2.4", GET("/.git/../alpha.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("three dots", "3986 3.3", GET("/.../alpha.txt", ""), 404, OPEN),
};
const struct group group_dotfiles = GROUP("--dotfiles", site_plain, dotfiles, "--dotfiles", NULL);

static const struct row symlinks_all[] = {
    ROW("link to a file", "9110 15.3.1", GET("/in.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("link out of the root", "9110 15.3.1", GET("/out.txt", ""), 200, BODY("outside"), OPEN),
    ROW("link to a folder outside", "9110 15.3.1", GET("/out-dir/secret.txt", ""), 200, BODY("outside"), OPEN),
    ROW("double dot above the root", "3986 5.2.4", GET("/../outside/secret.txt", ""), 400, CLOSED),
    ROW("link to itself", "9110 15.5.5", GET("/loop.txt", ""), 404, OPEN),
};
const struct group group_symlinks_all = GROUP("--symlinks all", site_plain, symlinks_all, "--symlinks", "all", NULL);

static const struct row symlinks_none[] = {
    ROW("file", "9110 15.3.1", GET("/alpha.txt", ""), 200, BODY(ALPHABET), OPEN),
    ROW("link to a file", "9110 15.5.5", GET("/in.txt", ""), 404, OPEN),
    ROW("link to a folder", "9110 15.5.5", GET("/in-dir", ""), 404, OPEN),
    ROW("below a link to a folder", "9110 15.5.5", GET("/in-dir/index.html", ""), 404, OPEN),
    ROW("link out of the root", "9110 15.5.5", GET("/out.txt", ""), 404, OPEN),
};
const struct group group_symlinks_none =
    GROUP("--symlinks none", site_plain, symlinks_none, "--symlinks", "none", NULL);
