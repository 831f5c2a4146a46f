/* The table is sorted by extension and searched by halves; the unit test looks every row up. Types are the registered
   ones where there is one, else what browsers need, else what others use. Text that has none is text/plain, source code
   too: every browser shows that, and downloads what it doesn't know. */
#include "protocol/mime.h"

enum { EXTENSION_LEN_MAX = 12 }; /* "mobileconfig" */

#define PLAIN "text/plain; charset=utf-8"

static const struct {
    char extension[EXTENSION_LEN_MAX + 1];
    const char *type;
} types[] = {
    {"3g2", "video/3gpp2"},
    {"3gp", "video/3gpp"},
    {"3mf", "model/3mf"},
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"adoc", PLAIN},
    {"aif", "audio/x-aiff"},
    {"aiff", "audio/x-aiff"},
    {"apk", "application/vnd.android.package-archive"},
    {"apng", "image/apng"},
    {"appinstaller", "application/appinstaller"},
    {"appx", "application/appx"},
    {"appxbundle", "application/appxbundle"},
    {"arrow", "application/vnd.apache.arrow.file"},
    {"asc", PLAIN},
    {"asciidoc", PLAIN},
    {"asm", PLAIN},
    {"ass", PLAIN},
    {"astro", PLAIN},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"awk", PLAIN},
    {"azw3", "application/vnd.amazon.mobi8-ebook"},
    {"bash", PLAIN},
    {"bat", PLAIN},
    {"bib", PLAIN},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", PLAIN},
    {"cbr", "application/vnd.comicbook-rar"},
    {"cbz", "application/vnd.comicbook+zip"},
    {"cc", PLAIN},
    {"cer", "application/pkix-cert"},
    {"cfg", PLAIN},
    {"chm", "application/vnd.ms-htmlhelp"},
    {"cjs", "text/javascript; charset=utf-8"},
    {"clj", PLAIN},
    {"cmake", PLAIN},
    {"conf", PLAIN},
    {"cpp", PLAIN},
    {"crl", "application/pkix-crl"},
    {"crt", "application/x-x509-ca-cert"},
    {"crx", "application/x-chrome-extension"},
    {"cs", PLAIN},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"cur", "image/vnd.microsoft.icon"},
    {"cxx", PLAIN},
    {"dae", "model/vnd.collada+xml"},
    {"dart", PLAIN},
    {"data", "application/octet-stream"},
    {"deb", "application/vnd.debian.binary-package"},
    {"der", "application/x-x509-ca-cert"},
    {"diff", PLAIN},
    {"djv", "image/vnd.djvu"},
    {"djvu", "image/vnd.djvu"},
    {"dmg", "application/x-apple-diskimage"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"drc", "application/octet-stream"},
    {"dsc", PLAIN},
    {"eml", "message/rfc822"},
    {"env", PLAIN},
    {"eot", "application/vnd.ms-fontobject"},
    {"eps", "application/postscript"},
    {"epub", "application/epub+zip"},
    {"erl", PLAIN},
    {"ex", PLAIN},
    {"exe", "application/vnd.microsoft.portable-executable"},
    {"exr", "image/aces"},
    {"exs", PLAIN},
    {"fbx", "application/octet-stream"},
    {"fish", PLAIN},
    {"flac", "audio/flac"},
    {"flatpak", "application/vnd.flatpak"},
    {"flatpakref", "application/vnd.flatpak.ref"},
    {"flv", "video/x-flv"},
    {"frag", PLAIN},
    {"geojson", "application/geo+json; charset=utf-8"},
    {"gguf", "application/octet-stream"},
    {"gif", "image/gif"},
    {"glb", "model/gltf-binary"},
    {"glsl", PLAIN},
    {"gltf", "model/gltf+json; charset=utf-8"},
    {"go", PLAIN},
    {"gpx", "application/gpx+xml"},
    {"gql", PLAIN},
    {"gradle", PLAIN},
    {"graphql", PLAIN},
    {"groovy", PLAIN},
    {"gz", "application/gzip"},
    {"h", PLAIN},
    {"hdr", "image/vnd.radiance"},
    {"heic", "image/heic"},
    {"heif", "image/heif"},
    {"hh", PLAIN},
    {"hpp", PLAIN},
    {"hs", PLAIN},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"hxx", PLAIN},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"ini", PLAIN},
    {"ipynb", "application/x-ipynb+json; charset=utf-8"},
    {"iso", "application/x-iso9660-image"},
    {"jar", "application/java-archive"},
    {"java", PLAIN},
    {"jfif", "image/jpeg"},
    {"jl", PLAIN},
    {"jnlp", "application/x-java-jnlp-file"},
    {"jp2", "image/jp2"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json; charset=utf-8"},
    {"json5", PLAIN},
    {"jsonc", PLAIN},
    {"jsonl", PLAIN},
    {"jsonld", "application/ld+json; charset=utf-8"},
    {"jsx", PLAIN},
    {"jxl", "image/jxl"},
    {"kml", "application/vnd.google-earth.kml+xml"},
    {"kmz", "application/vnd.google-earth.kmz"},
    {"kt", PLAIN},
    {"kts", PLAIN},
    {"ktx", "image/ktx"},
    {"ktx2", "image/ktx2"},
    {"less", PLAIN},
    {"lock", PLAIN},
    {"log", PLAIN},
    {"lua", PLAIN},
    {"m", PLAIN},
    {"m2ts", "video/mp2t"},
    {"m3u", "audio/mpegurl"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"m4b", "audio/mp4"},
    {"m4s", "video/iso.segment"},
    {"m4v", "video/mp4"},
    {"map", "application/json; charset=utf-8"},
    {"markdown", "text/markdown; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"md5", PLAIN},
    {"mid", "audio/midi"},
    {"midi", "audio/midi"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mk", PLAIN},
    {"mka", "audio/matroska"},
    {"mkv", "video/matroska"},
    {"mobi", "application/x-mobipocket-ebook"},
    {"mobileconfig", "application/x-apple-aspen-config"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpd", "application/dash+xml"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"msi", "application/x-msi"},
    {"msix", "application/msix"},
    {"msixbundle", "application/msixbundle"},
    {"mtl", "model/mtl"},
    {"mts", "video/mp2t"},
    {"mvt", "application/vnd.mapbox-vector-tile"},
    {"n3", "text/n3; charset=utf-8"},
    {"ndjson", PLAIN},
    {"nfo", PLAIN},
    {"nim", PLAIN},
    {"nix", PLAIN},
    {"npy", "application/octet-stream"},
    {"npz", "application/octet-stream"},
    {"nq", "application/n-quads"},
    {"nt", "application/n-triples"},
    {"obj", "model/obj"},
    {"odg", "application/vnd.oasis.opendocument.graphics"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"org", PLAIN},
    {"otf", "font/otf"},
    {"parquet", "application/vnd.apache.parquet"},
    {"patch", PLAIN},
    {"pdf", "application/pdf"},
    {"pem", "application/pem-certificate-chain"},
    {"php", PLAIN},
    {"pkpass", "application/vnd.apple.pkpass"},
    {"pl", PLAIN},
    {"plist", "application/xml"},
    {"pls", "audio/x-scpls"},
    {"ply", "application/octet-stream"},
    {"pmtiles", "application/vnd.pmtiles"},
    {"png", "image/png"},
    {"pod", PLAIN},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"properties", PLAIN},
    {"proto", PLAIN},
    {"ps", "application/postscript"},
    {"ps1", PLAIN},
    {"psd", "image/vnd.adobe.photoshop"},
    {"py", PLAIN},
    {"r", PLAIN},
    {"rar", "application/vnd.rar"},
    {"rb", PLAIN},
    {"rdf", "application/rdf+xml"},
    {"reality", "model/vnd.reality"},
    {"rpm", "application/x-rpm"},
    {"rs", PLAIN},
    {"rss", "application/rss+xml"},
    {"rst", PLAIN},
    {"rtf", "application/rtf"},
    {"safetensors", "application/octet-stream"},
    {"sass", PLAIN},
    {"scala", PLAIN},
    {"scss", PLAIN},
    {"sh", PLAIN},
    {"sha1", PLAIN},
    {"sha256", PLAIN},
    {"sha384", PLAIN},
    {"sha512", PLAIN},
    {"shtml", "text/html; charset=utf-8"},
    {"sig", "application/pgp-signature"},
    {"sql", "application/sql"},
    {"sqlite", "application/vnd.sqlite3"},
    {"sqlite3", "application/vnd.sqlite3"},
    {"srt", PLAIN},
    {"ssa", PLAIN},
    {"stl", "model/stl"},
    {"sty", PLAIN},
    {"styl", PLAIN},
    {"svelte", PLAIN},
    {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},
    {"swf", "application/vnd.adobe.flash.movie"},
    {"swift", PLAIN},
    {"tar", "application/x-tar"},
    {"tex", PLAIN},
    {"text", PLAIN},
    {"tf", PLAIN},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"topojson", "application/json; charset=utf-8"},
    {"torrent", "application/x-bittorrent"},
    {"trig", "application/trig"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values; charset=utf-8"},
    {"tsx", PLAIN},
    {"ttc", "font/collection"},
    {"ttf", "font/ttf"},
    {"ttl", "text/turtle; charset=utf-8"},
    {"ttml", "application/ttml+xml"},
    {"txt", PLAIN},
    {"usdz", "model/vnd.usdz+zip"},
    {"vcf", "text/vcard; charset=utf-8"},
    {"vert", PLAIN},
    {"vtt", "text/vtt; charset=utf-8"},
    {"vue", PLAIN},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json; charset=utf-8"},
    {"webp", "image/webp"},
    {"wgsl", "text/wgsl; charset=utf-8"},
    {"whl", "application/octet-stream"},
    {"wma", "audio/x-ms-wma"},
    {"wmv", "video/x-ms-wmv"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xpi", "application/x-xpinstall"},
    {"xsd", "application/xml"},
    {"xsl", "application/xslt+xml"},
    {"xslt", "application/xslt+xml"},
    {"xspf", "application/xspf+xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zig", PLAIN},
    {"zip", "application/zip"},
    {"zsh", PLAIN},
    {"zst", "application/zstd"},
};

struct slice mime_extension(struct slice name) {
    for (size_t i = name.len; i > 0 && name.at[i - 1] != '/'; i--) {
        if (name.at[i - 1] != '.')
            continue;
        if (i == 1 || name.at[i - 2] == '/') /* begins the name */
            break;
        return slice_from(name, i);
    }
    return (struct slice){0};
}

/* Text by the whole name of the file. */
static const char *const texts[] = {
    "AUTHORS",      "CHANGELOG",      "CHANGES",     "CNAME",       "CODEOWNERS",  "Containerfile",
    "CONTRIBUTING", "CONTRIBUTORS",   "COPYING",     "COPYRIGHT",   "CREDITS",     "Dockerfile",
    "Gemfile",      "GNUmakefile",    "HISTORY",     "INSTALL",     "Jenkinsfile", "LICENCE",
    "LICENSE",      "LICENSE-APACHE", "LICENSE-MIT", "MAINTAINERS", "Makefile",    "MD5SUMS",
    "NEWS",         "NOTICE",         "Procfile",    "Rakefile",    "README",      "SHA1SUMS",
    "SHA256SUMS",   "SHA512SUMS",     "THANKS",      "TODO",        "Vagrantfile", "VERSION",
};

static const char *type_by_name(struct slice path) {
    size_t first = path.len;
    while (first > 0 && path.at[first - 1] != '/')
        first--;
    struct slice name = slice_from(path, first);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (slice_equal_nocase(name, slice_of(texts[i])))
            return PLAIN;
    return slice_equal(name, SLICE("apple-app-site-association")) ? "application/json; charset=utf-8" : NULL;
}

const char *mime_type(struct slice name) {
    struct slice extension = mime_extension(name);
    char lower[EXTENSION_LEN_MAX + 1] = {0};
    if (extension.len == 0)
        return type_by_name(name);
    if (extension.len > EXTENSION_LEN_MAX)
        return NULL;
    if (memchr(extension.at, '\0', extension.len)) /* would match as padding */
        return NULL;
    for (size_t i = 0; i < extension.len; i++)
        lower[i] = ascii_lower(extension.at[i]);
    size_t first = 0, len = sizeof types / sizeof types[0];
    while (len > 0) {
        size_t middle = first + len / 2;
        int order = memcmp(lower, types[middle].extension, sizeof lower);
        if (order == 0)
            return types[middle].type;
        if (order > 0) {
            len -= len / 2 + 1;
            first = middle + 1;
        } else {
            len /= 2;
        }
    }
    return NULL;
}

static bool ends_nocase(struct slice s, struct slice suffix) {
    return s.len >= suffix.len && slice_equal_nocase(slice_from(s, s.len - suffix.len), suffix);
}

enum content_coding mime_coding(struct slice name, struct slice *inner) {
    static const char *const loaded[] = {".js", ".mjs", ".css", ".wasm", ".data", ".symbols.json"};
    *inner = name;
    if (ends_nocase(name, SLICE(".svgz")))
        return CODING_GZIP;
    enum content_coding coding = ends_nocase(name, SLICE(".br"))   ? CODING_BR
                                 : ends_nocase(name, SLICE(".gz")) ? CODING_GZIP
                                                                   : CODING_IDENTITY;
    struct slice without = {name.at, name.len - (coding == CODING_IDENTITY ? 0 : 3)};
    for (size_t i = 0; i < sizeof loaded / sizeof loaded[0] && coding != CODING_IDENTITY; i++) {
        if (!ends_nocase(without, slice_of(loaded[i])))
            continue;
        *inner = without;
        return coding;
    }
    return CODING_IDENTITY;
}

bool mime_wants_charset(struct slice type) {
    static const struct slice text = {"text/", 5};
    bool xml = ends_nocase(type, SLICE("/xml")) || ends_nocase(type, SLICE("+xml"));
    if (xml || (type.len > 0 && memchr(type.at, ';', type.len)))
        return false;
    if (type.len > text.len && slice_equal_nocase((struct slice){type.at, text.len}, text))
        return true;
    return ends_nocase(type, SLICE("/json")) || ends_nocase(type, SLICE("+json")) ||
           ends_nocase(type, SLICE("/javascript"));
}
