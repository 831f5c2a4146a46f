/* Everything carries one mtime, so Last-Modified and listings can be written down in rows. */
#include "site.h"

#include <string.h>

static const char home_page[] = "<!doctype html><title>home</title>\n";

static void pages(struct fixture *fixture) {
    fixture_text(fixture, "root/index.html", home_page);
    fixture_text(fixture, "root/alpha.txt", ALPHABET);
    fixture_text(fixture, "root/empty.txt", "");
    fixture_text(fixture, "root/sub/index.html", "sub index\n");
    fixture_text(fixture, "root/sub/deep/leaf.txt", "leaf\n");
    fixture_text(fixture, "root/space dir/index.html", "space\n");
    fixture_dir(fixture, "root/bare");
}

static void typed_files(struct fixture *fixture) {
    static const char *const names[] = {
        "t.html", "t.htm",    "t.css",  "t.js",   "t.mjs",         "t.json",  "t.svg",
        "t.md",   "t.txt",    "t.xml",  "t.csv",  "t.png",         "t.jpg",   "t.jpeg",
        "t.gif",  "t.webp",   "t.avif", "t.ico",  "t.woff",        "t.woff2", "t.ttf",
        "t.otf",  "t.wasm",   "t.pdf",  "t.mp4",  "t.webm",        "t.mp3",   "t.ogg",
        "t.zip",  "t.gz",     "t.tar",  "t.map",  "t.UNKNW",       "README",  "apple-app-site-association",
        "t.rst",  "nosuffix", "T.HTML", "a.b.js", "t.webmanifest", "t.wav",   "t.flac",
        "t.7z",
    };
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        strcpy(name, "root/types/");
        strcat(name, names[i]);
        fixture_text(fixture, name, "x");
    }
}

static void odd_names(struct fixture *fixture) {
    fixture_text(fixture, "root/sp ace.txt", "space");
    fixture_text(fixture, "root/per%cent.txt", "percent");
    fixture_text(fixture, "root/per%2fcent.txt", "literal escape");
    fixture_text(fixture, "root/plus+.txt", "plus");
    fixture_text(fixture, "root/q?mark.txt", "question");
    fixture_text(fixture, "root/semi;colon.txt", "semicolon");
    fixture_text(fixture, "root/hash#.txt", "hash");
    fixture_text(fixture, "root/back\\slash.txt", "backslash");
    fixture_text(fixture, "root/co:lon.txt", "colon");
    fixture_text(fixture, "root/\xc3\xbcml\xc3\xa4ut.txt", "utf-8");
    fixture_text(fixture, "root/raw\xff\xfe.txt", "not utf-8");
    fixture_text(fixture, "root/line\nfeed.txt", "line feed");
    fixture_text(fixture, "root/tilde~.txt", "tilde");
    fixture_text(fixture, "root/two..dots.txt", "two dots");
    fixture_text(fixture, "root/trailing.", "trailing dot");
    fixture_text(fixture, "root/di\r\nr/index.html", "folder with a line end\n");
    char longest[5 + 255 + 1] = "root/";
    memset(longest + 5, 'n', 255);
    fixture_text(fixture, longest, "longest name");
    char deep[5 + 60 * 2 + 9] = "root/";
    for (int i = 0; i < 60; i++)
        strcat(deep, "d/");
    strcat(deep, "leaf.txt");
    fixture_text(fixture, deep, "sixty levels");
}

static void hidden_files(struct fixture *fixture) {
    fixture_text(fixture, "root/.hidden", "hidden");
    fixture_text(fixture, "root/.git/config", "hidden");
    fixture_text(fixture, "root/sub/.secret", "hidden");
    fixture_text(fixture, "root/.well-known/acme.txt", "well known");
}

static void links(struct fixture *fixture) {
    fixture_text(fixture, "outside/secret.txt", "outside");
    fixture_link(fixture, "root/in.txt", "alpha.txt");
    fixture_link(fixture, "root/in-dir", "sub");
    fixture_link(fixture, "root/sub/up.txt", "../alpha.txt");
    fixture_link(fixture, "root/chain.txt", "in.txt");
    fixture_link(fixture, "root/out.txt", "../outside/secret.txt");
    fixture_link(fixture, "root/out-dir", "../outside");
    fixture_link(fixture, "root/absolute.txt", "/etc/passwd");
    fixture_link(fixture, "root/loop.txt", "loop.txt");
    fixture_link(fixture, "root/dangling.txt", "nothing-there");
}

static void special_files(struct fixture *fixture) {
    fixture_fifo(fixture, "root/fifo");
    fixture_socket(fixture, "root/socket");
    fixture_text(fixture, "root/unreadable.txt", "unreadable");
    fixture_mode(fixture, "root/unreadable.txt", 0);
    fixture_text(fixture, "root/closed/file.txt", "in a closed folder");
    fixture_mode(fixture, "root/closed", 0);
    fixture_sparse(fixture, "root/huge.bin", (off_t)5 << 30);
    fixture_sparse(fixture, "root/zeros.bin", 300000);
}

/* Times that aren't the time of a change, or can't be shown. */
static void odd_times(struct fixture *fixture) {
    static const struct {
        const char *name;
        int64_t mtime;
    } files[] = {{"root/times/before", -86400 * 365},
                 {"root/times/just-before", -1},
                 {"root/times/zero", 0},
                 {"root/times/one", 1},
                 {"root/times/two", 2},
                 {"root/times/future", AHEAD_SECONDS},
                 {"root/times/later", AHEAD_SECONDS + 3600}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        fixture_text(fixture, files[i].name, ALPHABET);
        fixture_mtime(fixture, files[i].name, files[i].mtime);
    }
}

void site_plain(struct fixture *fixture) {
    pages(fixture);
    typed_files(fixture);
    odd_names(fixture);
    hidden_files(fixture);
    links(fixture);
    special_files(fixture);
    /* "sesame" and "open" in crypt(3)'s SHA-256 and SHA-512 forms. */
    fixture_text(
        fixture, "htpasswd",
        "ali:$5$conformance$kMQ5DpOWA4ZTISNKn6woaCkfJ8XWngVt1QC1K79A/g4\n"
        "baba:$6$conformance$gNWEiz9QDzvUUp1sfsfSbeKkDXNAe6HYbVb5HTVjVlrFh7JX7Ay2ZNZ5WWT1VuwSZ9tPggCwheOWG4gWPgZ1m/\n");
    fixture_text(fixture, "mime.types", "# comment\ntext/x-own\town own2\n\napplication/x-mine txt\n");
    fixture_text(fixture, "root/t.own2", "own");
    fixture_mtime_all(fixture, WHEN_SECONDS);
    odd_times(fixture);
}

void site_encoded(struct fixture *fixture) {
    pages(fixture);
    fixture_text(fixture, "root/all.js", "the plain representation, which is the longest\n");
    fixture_text(fixture, "root/all.js.br", "br coded");
    fixture_text(fixture, "root/all.js.zst", "zstd coded..");
    fixture_text(fixture, "root/all.js.gz", "gzip coded.....");
    fixture_sparse(fixture, "root/large.js", 900000);
    fixture_sparse(fixture, "root/large.js.gz", 800000);
    fixture_text(fixture, "root/gz.css", "the plain style sheet is longer\n");
    fixture_text(fixture, "root/gz.css.gz", "gzip style");
    fixture_text(fixture, "root/stale.txt", "newer than what was made of it\n");
    fixture_text(fixture, "root/stale.txt.gz", "stale");
    fixture_text(fixture, "root/folder.txt", "its sibling is a folder\n");
    fixture_dir(fixture, "root/folder.txt.gz");
    fixture_text(fixture, "root/a name that is long and has spaces, so that its path comes encoded.js", "plain\n");
    fixture_text(fixture, "root/a name that is long and has spaces, so that its path comes encoded.js.br", "br");
    fixture_text(fixture, "root/lone.txt.gz", "no plain file");
    fixture_text(fixture, "root/logo.svgz", "gzipped image");
    fixture_text(fixture, "root/logo.svgz.br", "and again");
    fixture_text(fixture, "root/Build/game.wasm.br", "br wasm");
    fixture_text(fixture, "root/Build/game.data.gz", "gzip data");
    fixture_text(fixture, "root/Build/game.framework.js.gz", "gzip code");
    fixture_text(fixture, "root/Build/game.symbols.json.br", "br names");
    fixture_text(fixture, "root/backup.tar.gz", "an archive");
    fixture_text(fixture, "root/dump.json.gz", "a download");
    fixture_text(fixture, "root/packed/index.html", "the plain index\n");
    fixture_text(fixture, "root/packed/index.html.gz", "gzip index");
    fixture_mtime_all(fixture, WHEN_SECONDS);
    fixture_mtime(fixture, "root/stale.txt.gz", WHEN_SECONDS - 3600);
}

void site_app(struct fixture *fixture) {
    pages(fixture);
    fixture_text(fixture, "root/about.html", "about\n");
    fixture_text(fixture, "root/app.html", "the app\n");
    fixture_text(fixture, "root/404.html", "404: nothing at this address\n");
    fixture_text(fixture, "root/lost.html", "lost\n");
    fixture_text(fixture, "root/both/index.html", "the folder\n");
    fixture_text(fixture, "root/both.html", "the page\n");
    fixture_text(fixture, "root/sub/page.html", "page of sub\n");
    fixture_text(fixture, "root/team.html", "the team\n");
    fixture_text(fixture, "root/team/ann.html", "ann\n");
    fixture_text(fixture, "root/plain", "the file\n");
    fixture_text(fixture, "root/plain.html", "the page beside it\n");
    fixture_text(fixture, "root/twice.html.html", "twice\n");
    fixture_text(fixture, "root/v1.2.html", "version\n");
    fixture_text(fixture, "root/site.html/index.html", "a site\n");
    fixture_text(fixture, "root/space page.html", "space\n");
    fixture_mtime_all(fixture, WHEN_SECONDS);
}

void site_vhosts(struct fixture *fixture) {
    fixture_text(fixture, "root/a.test/index.html", "host a\n");
    fixture_text(fixture, "root/a.test/sub/index.html", "sub of a\n");
    fixture_text(fixture, "root/a.test/page.html", "page of a\n");
    fixture_text(fixture, "root/b.test/index.html", "host b\n");
    fixture_text(fixture, "root/b.test/only-b.txt", "only b\n");
    fixture_text(fixture, "root/_/index.html", "fallback\n");
    fixture_text(fixture, "root/stray.txt", "in no host\n");
    fixture_mtime_all(fixture, WHEN_SECONDS);
}

void site_listing(struct fixture *fixture) {
    fixture_text(fixture, "root/b.txt", ALPHABET);
    fixture_text(fixture, "root/a & <b>.txt", "markup");
    fixture_text(fixture, "root/.hidden", "hidden");
    fixture_dir(fixture, "root/zoo");
    fixture_text(fixture, "root/quo\"te'.txt", "quotes");
    fixture_text(fixture, "root/per%cent #1?.txt", "reserved");
    fixture_text(fixture, "root/indexed/index.html", "an index\n");
    fixture_text(fixture, "root/bad\xff.txt", "not utf-8");
    fixture_text(fixture, "root/c:d;", "what parsers of addresses trip over");
    fixture_mtime_all(fixture, WHEN_SECONDS);
}

void site_no_index(struct fixture *fixture) {
    fixture_text(fixture, "root/home.html", "home\n");
    fixture_text(fixture, "root/index.htm", "index\n");
    fixture_text(fixture, "root/second/index.htm", "second choice\n");
    fixture_text(fixture, "root/third/index.html", "not in the list\n");
    fixture_mtime_all(fixture, WHEN_SECONDS);
}
