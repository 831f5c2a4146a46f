/* Media types: every row of the built-in table, what an extension is, and the reader of mime.types. */
#include "protocol/mime.h"
#include "protocol/mime_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *type, *extensions;
} known[] = {
    {"text/html; charset=utf-8", "html htm shtml"},
    {"application/xhtml+xml", "xhtml"},
    {"text/css; charset=utf-8", "css"},
    {"text/javascript; charset=utf-8", "js mjs cjs"},
    {"application/json; charset=utf-8", "json map topojson"},
    {"application/ld+json; charset=utf-8", "jsonld"},
    {"application/manifest+json; charset=utf-8", "webmanifest"},
    {"application/geo+json; charset=utf-8", "geojson"},
    {"application/xml", "xml xsd plist"},
    {"application/xslt+xml", "xsl xslt"},
    {"application/rss+xml", "rss"},
    {"application/atom+xml", "atom"},
    {"image/svg+xml", "svg svgz"},
    {"application/wasm", "wasm"},
    {"font/woff", "woff"},
    {"font/woff2", "woff2"},
    {"font/ttf", "ttf"},
    {"font/otf", "otf"},
    {"application/vnd.ms-fontobject", "eot"},
    {"font/collection", "ttc"},
    {"image/png", "png"},
    {"image/apng", "apng"},
    {"image/gif", "gif"},
    {"image/webp", "webp"},
    {"image/avif", "avif"},
    {"image/heic", "heic"},
    {"image/heif", "heif"},
    {"image/bmp", "bmp"},
    {"image/jxl", "jxl"},
    {"image/jpeg", "jpg jpeg jfif"},
    {"image/vnd.microsoft.icon", "ico cur"},
    {"image/tiff", "tif tiff"},
    {"audio/mpeg", "mp3"},
    {"audio/mp4", "m4a m4b"},
    {"audio/aac", "aac"},
    {"audio/ogg", "ogg oga opus"},
    {"audio/wav", "wav"},
    {"audio/flac", "flac"},
    {"audio/webm", "weba"},
    {"audio/midi", "mid midi"},
    {"video/mp4", "mp4 m4v"},
    {"video/webm", "webm"},
    {"video/ogg", "ogv"},
    {"video/quicktime", "mov"},
    {"video/matroska", "mkv"},
    {"video/x-msvideo", "avi"},
    {"video/mp2t", "ts m2ts mts"},
    {"video/mpeg", "mpg mpeg"},
    {"video/iso.segment", "m4s"},
    {"application/vnd.apple.mpegurl", "m3u8"},
    {"application/dash+xml", "mpd"},
    {"text/vtt; charset=utf-8", "vtt"},
    {"application/zip", "zip"},
    {"application/gzip", "gz tgz"},
    {"application/x-bzip2", "bz2"},
    {"application/x-xz", "xz"},
    {"application/zstd", "zst"},
    {"application/x-7z-compressed", "7z"},
    {"application/x-tar", "tar"},
    {"application/vnd.rar", "rar"},
    {"application/java-archive", "jar"},
    {"application/pdf", "pdf"},
    {"application/epub+zip", "epub"},
    {"text/plain; charset=utf-8",
     "txt text c cc cpp h hpp py sh rs go java rb lua pl log conf cfg ini diff patch adoc asc asciidoc asm ass astro "
     "bash bat bib cmake cs cxx dart env erl ex exs fish frag glsl gql gradle graphql groovy hh hs hxx jl json5 jsonl "
     "jsx kt kts less lock m md5 mk ndjson nfo nim nix org php pod properties proto ps1 r rst sass scala scss sha1 "
     "sha256 sha512 srt ssa sty styl svelte swift tex tf tsx vert vue zig zsh "
     "awk clj dsc jsonc sha384"},
    {"text/markdown; charset=utf-8", "md markdown"},
    {"text/csv; charset=utf-8", "csv"},
    {"text/tab-separated-values; charset=utf-8", "tsv"},
    {"text/calendar; charset=utf-8", "ics"},
    {"text/vcard; charset=utf-8", "vcf"},
    {"application/rtf", "rtf"},
    {"application/postscript", "ps eps"},
    {"application/msword", "doc"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
    {"application/vnd.ms-excel", "xls"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    {"application/vnd.ms-powerpoint", "ppt"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
    {"application/vnd.oasis.opendocument.text", "odt"},
    {"application/vnd.oasis.opendocument.spreadsheet", "ods"},
    {"application/vnd.oasis.opendocument.presentation", "odp"},
    {"application/vnd.oasis.opendocument.graphics", "odg"},
    {"application/yaml", "yaml yml"},
    {"application/toml", "toml"},
    {"application/sql", "sql"},
    {"model/gltf-binary", "glb"},
    {"model/gltf+json; charset=utf-8", "gltf"},
    {"model/stl", "stl"},
    {"model/obj", "obj"},
    {"model/mtl", "mtl"},
    {"model/vnd.usdz+zip", "usdz"},
    {"application/vnd.debian.binary-package", "deb"},
    {"application/x-rpm", "rpm"},
    {"application/vnd.android.package-archive", "apk"},
    {"application/x-iso9660-image", "iso"},
    {"application/vnd.microsoft.portable-executable", "exe"},
    {"application/octet-stream", "bin data drc fbx gguf npy npz ply safetensors whl"},
    {"application/x-apple-diskimage", "dmg"},
    {"application/x-msi", "msi"},
    {"application/x-bittorrent", "torrent"},
    {"video/3gpp2", "3g2"},
    {"video/3gpp", "3gp"},
    {"model/3mf", "3mf"},
    {"audio/x-aiff", "aif aiff"},
    {"application/appx", "appx"},
    {"application/vnd.apache.arrow.file", "arrow"},
    {"application/vnd.amazon.mobi8-ebook", "azw3"},
    {"application/vnd.comicbook-rar", "cbr"},
    {"application/vnd.comicbook+zip", "cbz"},
    {"application/pkix-cert", "cer"},
    {"application/vnd.ms-htmlhelp", "chm"},
    {"application/pkix-crl", "crl"},
    {"application/x-x509-ca-cert", "crt der"},
    {"application/x-chrome-extension", "crx"},
    {"model/vnd.collada+xml", "dae"},
    {"image/vnd.djvu", "djv djvu"},
    {"message/rfc822", "eml"},
    {"image/aces", "exr"},
    {"application/vnd.flatpak", "flatpak"},
    {"application/vnd.flatpak.ref", "flatpakref"},
    {"video/x-flv", "flv"},
    {"application/gpx+xml", "gpx"},
    {"image/vnd.radiance", "hdr"},
    {"application/x-ipynb+json; charset=utf-8", "ipynb"},
    {"image/jp2", "jp2"},
    {"application/vnd.google-earth.kml+xml", "kml"},
    {"application/vnd.google-earth.kmz", "kmz"},
    {"image/ktx", "ktx"},
    {"image/ktx2", "ktx2"},
    {"audio/matroska", "mka"},
    {"application/x-mobipocket-ebook", "mobi"},
    {"application/msix", "msix"},
    {"application/vnd.mapbox-vector-tile", "mvt"},
    {"application/vnd.apache.parquet", "parquet"},
    {"application/pem-certificate-chain", "pem"},
    {"application/vnd.pmtiles", "pmtiles"},
    {"image/vnd.adobe.photoshop", "psd"},
    {"application/rdf+xml", "rdf"},
    {"application/pgp-signature", "sig"},
    {"application/vnd.sqlite3", "sqlite sqlite3"},
    {"application/vnd.adobe.flash.movie", "swf"},
    {"text/turtle; charset=utf-8", "ttl"},
    {"application/ttml+xml", "ttml"},
    {"text/wgsl; charset=utf-8", "wgsl"},
    {"audio/x-ms-wma", "wma"},
    {"video/x-ms-wmv", "wmv"},
    {"application/x-xpinstall", "xpi"},
    {"application/appinstaller", "appinstaller"},
    {"application/appxbundle", "appxbundle"},
    {"application/msixbundle", "msixbundle"},
    {"application/x-java-jnlp-file", "jnlp"},
    {"application/x-apple-aspen-config", "mobileconfig"},
    {"application/vnd.apple.pkpass", "pkpass"},
    {"model/vnd.reality", "reality"},
    {"audio/mpegurl", "m3u"},
    {"audio/x-scpls", "pls"},
    {"application/xspf+xml", "xspf"},
    {"application/n-triples", "nt"},
    {"application/n-quads", "nq"},
    {"application/trig", "trig"},
    {"text/n3; charset=utf-8", "n3"},
};

/* `want`: NULL for a type that isn't known. */
static void check_type(struct slice name, const char *want) {
    const char *type = mime_type(name);
    if (want ? !type || strcmp(type, want) != 0 : type != NULL)
        fail_msg("%.*s: %s, not %s", (int)name.len, name.at ? name.at : "", type ? type : "unknown",
                 want ? want : "unknown");
}

/* In lower case, in upper case, and beside its neighbours: with a letter less and with one more. */
static void test_known(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct slice rest = slice_of(known[i].extensions);
        while (rest.len > 0) {
            const char *space = memchr(rest.at, ' ', rest.len);
            size_t len = space ? (size_t)(space - rest.at) : rest.len;
            char name[32], upper[32];
            int name_len = snprintf(name, sizeof name, "x/a.b.%.*s", (int)len, rest.at);
            for (int k = 0; k <= name_len; k++)
                upper[k] = name[k] >= 'a' && name[k] <= 'z' ? (char)(name[k] - 32) : name[k];
            check_type(slice_of(name), known[i].type);
            check_type(slice_of(upper), known[i].type);
            check_type(slice_of(name + 4), known[i].type);
            name[name_len] = '0';
            check_type((struct slice){name, (size_t)name_len + 1}, NULL);
            rest = slice_from(rest, space ? len + 1 : len);
        }
    }
}

static const struct {
    struct slice name, extension;
} extensions[] = {
    {SLICE("a.html"), SLICE("html")}, {SLICE("a.HTML"), SLICE("HTML")},
    {SLICE("a.tar.gz"), SLICE("gz")}, {SLICE("a/b.c/d.txt"), SLICE("txt")},
    {SLICE("/a.b"), SLICE("b")},      {SLICE("a..b"), SLICE("b")},
    {SLICE(".a.b"), SLICE("b")},      {SLICE(""), SLICE("")},
    {SLICE("Makefile"), SLICE("")},   {SLICE(".htaccess"), SLICE("")},
    {SLICE(".html"), SLICE("")},      {SLICE("a/.html"), SLICE("")},
    {SLICE("a.html/b"), SLICE("")},   {SLICE("a.html/"), SLICE("")},
    {SLICE("a."), SLICE("")},         {SLICE("."), SLICE("")},
    {SLICE("a/."), SLICE("")},        {SLICE("/"), SLICE("")},
};

static void test_extension(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(extensions); i++)
        if (!slice_equal(mime_extension(extensions[i].name), extensions[i].extension))
            fail_msg("%s", extensions[i].name.at);
    assert_int_equal(mime_extension((struct slice){NULL, 0}).len, 0);
}

static void test_unknown(void **state) {
    (void)state;
    static const struct slice names[] = {
        SLICE(""),        SLICE("Makefiles"),      SLICE(".htaccess"),
        SLICE(".html"),   SLICE("a.html/"),        SLICE("a."),
        SLICE("a.xyz"),   SLICE("a.htm\0"),        SLICE("a.html "),
        SLICE("a.\0"),    SLICE("a.webmanifestx"), SLICE("a.averyveryverylongextension"),
        SLICE("a.ht ml"), SLICE("a.br"),           SLICE("a.\xff\xff\xff"),
        SLICE("a.h\0"),   SLICE("html"),           SLICE("a/html"),
        SLICE("a.0"),     SLICE("a.zzzz"),
    };
    for (size_t i = 0; i < COUNT(names); i++)
        check_type(names[i], NULL);
    check_type((struct slice){NULL, 0}, NULL);
}

static void test_names(void **state) {
    (void)state;
    static const char text[] = "text/plain; charset=utf-8", json[] = "application/json; charset=utf-8";
    static const char *const names[] = {
        "README",        "LICENSE",    "LICENCE",    "COPYING", "AUTHORS",     "CHANGELOG",  "NEWS",
        "TODO",          "INSTALL",    "NOTICE",     "VERSION", "Makefile",    "Dockerfile", "CNAME",
        "Containerfile", "CODEOWNERS", "SHA256SUMS", "Gemfile", "LICENSE-MIT", "Procfile",
    };
    static const char *const others[] = {"READM",   "READMEE", "README/x", "README/",
                                         "xREADME", ".README", "README.",  ""};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[64];
        check_type(slice_of(names[i]), text);
        snprintf(path, sizeof path, "a.b/%s", names[i]);
        check_type(slice_of(path), text);
        for (char *c = path; *c; c++)
            *c = ascii_lower(*c);
        check_type(slice_of(path), text);
    }
    for (size_t i = 0; i < COUNT(others); i++)
        check_type(slice_of(others[i]), NULL);
    check_type(SLICE("README.md"), "text/markdown; charset=utf-8");
    check_type(SLICE("apple-app-site-association"), json);
    check_type(SLICE(".well-known/apple-app-site-association"), json);
}

static const struct {
    const char *name, *inner; /* NULL: the name itself */
    enum content_coding coding;
} codings[] = {
    {"a.svgz", NULL, CODING_GZIP},
    {"a/B.SVGZ", NULL, CODING_GZIP},
    /* Unity's builds */
    {"Build/game.data.gz", "Build/game.data", CODING_GZIP},
    {"Build/game.data.br", "Build/game.data", CODING_BR},
    {"game.wasm.gz", "game.wasm", CODING_GZIP},
    {"game.wasm.br", "game.wasm", CODING_BR},
    {"game.framework.js.gz", "game.framework.js", CODING_GZIP},
    {"game.framework.js.br", "game.framework.js", CODING_BR},
    {"game.symbols.json.gz", "game.symbols.json", CODING_GZIP},
    {"game.symbols.json.br", "game.symbols.json", CODING_BR},
    {"A.WASM.BR", "A.WASM", CODING_BR},
    {"a.mjs.gz", "a.mjs", CODING_GZIP},
    {"a.css.br", "a.css", CODING_BR},
    /* to be kept as they are */
    {"a.tar.gz", NULL, CODING_IDENTITY},
    {"a.tgz", NULL, CODING_IDENTITY},
    {"a.json.gz", NULL, CODING_IDENTITY},
    {"symbols.json.gz", NULL, CODING_IDENTITY},
    {"a.csv.gz", NULL, CODING_IDENTITY},
    {"a.txt.br", NULL, CODING_IDENTITY},
    {"a.xml.gz", NULL, CODING_IDENTITY},
    {"a.js.zst", NULL, CODING_IDENTITY},
    {"a.js", NULL, CODING_IDENTITY},
    {"a.svg", NULL, CODING_IDENTITY},
    {"js.gz", NULL, CODING_IDENTITY},
    {"a.gz", NULL, CODING_IDENTITY},
    {".gz", NULL, CODING_IDENTITY},
    {"gz", NULL, CODING_IDENTITY},
    {"", NULL, CODING_IDENTITY},
};

static void test_coding(void **state) {
    (void)state;
    struct slice inner;
    for (size_t i = 0; i < COUNT(codings); i++) {
        const char *want = codings[i].inner ? codings[i].inner : codings[i].name;
        enum content_coding coding = mime_coding(slice_of(codings[i].name), &inner);
        if (coding != codings[i].coding || !slice_equal(inner, slice_of(want)))
            fail_msg("%s: %d of %.*s", codings[i].name, (int)coding, (int)inner.len, inner.at);
    }
    assert_int_equal(mime_coding((struct slice){NULL, 0}, &inner), CODING_IDENTITY);
}

/* The table says charset=utf-8 exactly where the rule does. */
static void test_table_keeps_the_rule(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct slice type = slice_of(known[i].type), parameter = SLICE("; charset=utf-8");
        bool has = slice_ends(type, parameter);
        if (has)
            type.len -= parameter.len;
        if (mime_wants_charset(type) != has || memchr(type.at, ';', type.len))
            fail_msg("%s", known[i].type);
    }
}

static const struct {
    struct slice type;
    bool wants;
} charsets[] = {
    {SLICE("text/plain"), true},
    {SLICE("Text/HTML"), true},
    {SLICE("text/javascript"), true}, /* RFC 9239 */
    {SLICE("application/javascript"), true},
    {SLICE("application/json"), true},
    {SLICE("application/problem+JSON"), true}, /* RFC 6839 3.1 */
    {SLICE("application/xml"), false},         /* RFC 7303 3.2: it says itself what it is in */
    {SLICE("text/XML"), false},
    {SLICE("image/svg+xml"), false},
    {SLICE("text/html;charset=iso-8859-1"), false},
    {SLICE("application/json;a=text/json"), false},
    {SLICE("application/jsonish"), false},
    {SLICE("application/jsonx"), false},
    {SLICE("application/xjson"), false},
    {SLICE("application/epub+zip"), false},
    {SLICE("image/png"), false},
    {SLICE("texts/plain"), false},
    {SLICE("text/"), false},
    {SLICE("text"), false},
    {SLICE(""), false},
};

static void test_wants_charset(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(charsets); i++)
        if (mime_wants_charset(charsets[i].type) != charsets[i].wants)
            fail_msg("%s", charsets[i].type.at);
    assert_false(mime_wants_charset((struct slice){NULL, 0}));
}

/* What the reader yields, written as "type ext;" for each pair. */
static const struct {
    struct slice text;
    const char *pairs;
} texts[] = {
    {SLICE(""), ""},
    {SLICE("\n"), ""},
    {SLICE("\n\n  \n\t\n"), ""},
    {SLICE("text/html html"), "text/html html;"},
    {SLICE("text/html html\n"), "text/html html;"},
    {SLICE("text/html\thtml htm  shtml\n"), "text/html html;text/html htm;text/html shtml;"},
    {SLICE("  text/html html  \r\n\r\nimage/png png\r\n"), "text/html html;image/png png;"},
    {SLICE("a/a a\nb/b b c\nc/c d"), "a/a a;b/b b;b/b c;c/c d;"},
    /* comments, and types without extensions */
    {SLICE("# text/html html\ntext/css css\n"), "text/css css;"},
    {SLICE("  # x\n#\n#"), ""},
    {SLICE("text/css css # style sheets\nimage/png png"), "text/css css;image/png png;"},
    {SLICE("text/css #css\nimage/png png#\n"), "image/png png#;"},
    {SLICE("application/activemessage\ntext/css css"), "text/css css;"},
    {SLICE("application/activemessage"), ""},
    {SLICE("application/activemessage\t\t\t"), ""},
    /* extensions and types as they are in /etc/mime.types */
    {SLICE("application/vnd.3gpp.5gsa2x x5\nvideo/x-c++ c++ C-x 7z\n"),
     "application/vnd.3gpp.5gsa2x x5;video/x-c++ c++;video/x-c++ C-x;video/x-c++ 7z;"},
    /* parameters */
    {SLICE("text/html;charset=x html htm\na/b;c=d;e=f g"),
     "text/html;charset=x html;text/html;charset=x htm;a/b;c=d;e=f g;"},
    /* lines with a defect are skipped whole */
    {SLICE("html text/html\ntext/css css"), "text/css css;"},
    {SLICE("text html\ntext/css css"), "text/css css;"},
    {SLICE("text/ html\n/html html\n/ x\ntext/html/x html\ntext/css css"), "text/css css;"},
    {SLICE("text/html html a/b\ntext/css css"), "text/css css;"},
    {SLICE("text/html; html\ntext/html;; html\ntext/html;charset html\ntext/html;=x html\ntext/css css"),
     "text/css css;"},
    {SLICE("text/html;a=\"b\" html\ntext/html;a=b=c html\n;a=b html\ntext/html; a=b html\ntext/css css"),
     "text/css css;"},
    {SLICE("text/h\xc3\xa9 html\ntext/html h\xc3\xa9\ntext/css css"), "text/css css;"},
    {SLICE("text/html ht\0ml\ntext/css css\0\nimage/png png"), "image/png png;"},
    {SLICE("types {\n    text/html html htm;\n}\ntext/css css"), "text/css css;"},
    {SLICE("bad"), ""},
    {SLICE("bad\n"), ""},
    {SLICE("text/css css\nbad"), "text/css css;"},
};

static void read_all(struct slice text, char *pairs, size_t size) {
    struct slice type = {0}, extension = {0};
    size_t len = 0;
    pairs[0] = '\0';
    while (mime_types_next(&text, &type, &extension))
        len += (size_t)snprintf(pairs + len, size - len, "%.*s %.*s;", (int)type.len, type.at, (int)extension.len,
                                extension.at);
    assert_int_equal(text.len, 0);
    assert_false(mime_types_next(&text, &type, &extension));
}

static void test_types_text(void **state) {
    (void)state;
    char pairs[512];
    for (size_t i = 0; i < COUNT(texts); i++) {
        read_all(texts[i].text, pairs, sizeof pairs);
        if (strcmp(pairs, texts[i].pairs) != 0)
            fail_msg("row %zu: %s, not %s", i, pairs, texts[i].pairs);
    }
    read_all((struct slice){NULL, 0}, pairs, sizeof pairs);
    assert_string_equal(pairs, "");
}

/* Every text cut at every byte, in memory of exactly that length: it ends, and a sanitizer sees a read past it. */
static void test_types_text_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t len = 0; len <= texts[i].text.len; len++) {
            char *copy = malloc(len ? len : 1), pairs[512];
            assert_non_null(copy);
            memcpy(copy, texts[i].text.at, len);
            read_all((struct slice){copy, len}, pairs, sizeof pairs);
            free(copy);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),          cmocka_unit_test(test_extension),
        cmocka_unit_test(test_unknown),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_coding),         cmocka_unit_test(test_table_keeps_the_rule),
        cmocka_unit_test(test_wants_charset),  cmocka_unit_test(test_types_text),
        cmocka_unit_test(test_types_text_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
