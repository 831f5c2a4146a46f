/* A listing as text. Everything goes through put(), which writes whole pieces or none: once one didn't fit, `full`
   stays set and nothing more is written. A row that didn't fit is taken back, and room for whatever has to follow the
   rows was kept from the start, so a cut listing is as well-formed as a whole one.

   A name is any bytes but '/' and NUL. Links carry it exactly, percent-encoded behind "./" so that no name can be taken
   for a scheme or a host. As text it is decoded: what isn't UTF-8, or isn't allowed in HTML, shows as U+FFFD. */
#include "base/check.h"
#include "base/httpdate.h"
#include "protocol/path.h"
#include "site/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TAIL_LEN = 512,   /* what follows the rows of a page, cut and with the largest numbers */
    CRUMBS_MAX = 32,  /* ancestors with a link each: the links' lengths add up to the square of this */
    REPLACED = 0xFFFD /* stands for what can't be shown */
};

struct text {
    char *at;
    size_t len, limit;
    bool full;
};

static void put(struct text *text, const char *bytes, size_t len) {
    if (text->full || text->limit - text->len < len) {
        text->full = true;
        return;
    }
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}

static void put_text(struct text *text, const char *string) {
    put(text, string, strlen(string));
}

static void put_number(struct text *text, uint64_t number) {
    char digits[24];
    put(text, digits, (size_t)sprintf(digits, "%llu", (unsigned long long)number));
}

static void put_count(struct text *text, uint64_t count, const char *one, const char *many) {
    put_number(text, count);
    put_text(text, count == 1 ? one : many);
}

/* The length of the character that `s` (not empty) begins with, and its code point; an ill-formed byte is one REPLACED.
   The second byte's bounds shut out overlong forms, surrogates and what is beyond Unicode (RFC 3629 4). */
static size_t next_char(struct slice s, uint32_t *code) {
    unsigned char first = (unsigned char)s.at[0], low = 0x80, high = 0xBF;
    size_t len = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    *code = REPLACED;
    if (len == 0 || len > s.len)
        return 1;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    uint32_t value = len == 1 ? first : first & (0x7FU >> len);
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xBF) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < low || c > high)
            return 1;
        value = value << 6 | (c & 0x3F);
    }
    *code = value;
    return len;
}

/* What HTML's input stream mustn't hold: C1 controls and noncharacters. */
static bool is_barred(uint32_t code) {
    return (code >= 0x80 && code <= 0x9F) || (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

static void put_html(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = next_char(s, &code);
        if (code == '&')
            put_text(text, "&amp;");
        else if (code == '<')
            put_text(text, "&lt;");
        else if (code == '>')
            put_text(text, "&gt;");
        else if (code == '"')
            put_text(text, "&quot;");
        else if (code == '\'')
            put_text(text, "&#39;");
        else if (code < 0x20 || code == 0x7F) /* shown by its picture, U+2400 and on */
            put(text, (char[]){'\xE2', '\x90', (char)(code == 0x7F ? 0xA1 : 0x80 + code)}, 3);
        else if (code == REPLACED || is_barred(code))
            put_text(text, "\xEF\xBF\xBD");
        else
            put(text, s.at, len);
        s = slice_from(s, len);
    }
}

static void put_json(struct text *text, struct slice s) {
    while (s.len > 0) {
        uint32_t code;
        size_t len = next_char(s, &code);
        char escape[8];
        if (code == '"' || code == '\\')
            put(text, (char[]){'\\', (char)code}, 2);
        else if (code < 0x20 || code == REPLACED)
            put(text, escape, (size_t)sprintf(escape, "\\u%04x", (unsigned)code & 0xFFFF));
        else
            put(text, s.at, len);
        s = slice_from(s, len);
    }
}

static void put_encoded(struct text *text, struct slice name) {
    size_t len = text->full ? 0 : path_encode(name, text->at + text->len, text->limit - text->len);
    text->full = text->full || len == 0;
    text->len += len;
}

static void put_size(struct text *text, uint64_t size) {
    static const char *const units[] = {" KiB", " MiB", " GiB", " TiB"};
    if (size < 1024) {
        put_number(text, size);
        put_text(text, " B");
        return;
    }
    for (unsigned unit = 0;; unit++) {
        unsigned shift = 10 * (unit + 1);
        uint64_t rest = size & ((UINT64_C(1) << shift) - 1);
        uint64_t tenths = (size >> shift) * 10 + ((rest * 10 + (UINT64_C(1) << (shift - 1))) >> shift);
        if (tenths >= 10240 && unit + 1 < sizeof units / sizeof units[0])
            continue;
        put_number(text, tenths / 10);
        put(text, (char[]){'.', (char)('0' + tenths % 10)}, 2);
        put_text(text, units[unit]);
        return;
    }
}

/* The HTTP date's parts in ISO 8601's order. */
static void put_time(struct text *text, int64_t seconds) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char date[HTTPDATE_LEN];
    char iso[] = "yyyy-mm-ddThh:mm:ssZ";
    int month = 0;
    httpdate_format(seconds, date);
    while (month < 11 && memcmp(months + 3 * month, date + 8, 3) != 0)
        month++;
    memcpy(iso, date + 12, 4);
    iso[5] = (char)('0' + (month + 1) / 10);
    iso[6] = (char)('0' + (month + 1) % 10);
    memcpy(iso + 8, date + 5, 2);
    memcpy(iso + 11, date + 17, 8);
    put_text(text, "<time datetime=\"");
    put_text(text, iso);
    put_text(text, "\">");
    put(text, iso, 10);
    put_text(text, " ");
    put(text, iso + 11, 5);
    put_text(text, "</time>");
}

static const char page_begin[] = "<!doctype html>\n"
                                 "<html lang=\"en\">\n"
                                 "<head>\n"
                                 "<meta charset=\"utf-8\">\n"
                                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                 "<meta name=\"color-scheme\" content=\"light dark\">\n"
                                 "<title>Index of /";

static const char page_style[] =
    "</title>\n"
    "<style>\n"
    ":root{color-scheme:light dark;--paper:#f7f8f5;--ink:#18211d;--note:#56615b;--line:#cbd3cd;--fill:#e9eeea;"
    "--go:#00705a}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#121715;--ink:#e3e9e5;--note:#a0aca5;--line:#36423c;"
    "--fill:#1d2622;--go:#4cc9a4}}\n"
    "*{box-sizing:border-box}\n"
    "body{background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;"
    "padding:1.5rem clamp(.75rem,3vw,2rem)}\n"
    "h1{font-size:1.25rem;font-weight:600;line-height:1.4;margin:0 0 1rem;overflow-wrap:anywhere}\n"
    "a{color:var(--go);text-decoration:none}\n"
    "a:hover{text-decoration:underline}\n"
    ":focus-visible{outline:2px solid var(--go);outline-offset:2px}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}\n"
    "caption{clip-path:inset(50%);height:1px;overflow:hidden;position:absolute;white-space:nowrap;width:1px}\n"
    "th,td{border-bottom:1px solid var(--line);font-weight:400;padding:.4rem .5rem;text-align:left;"
    "vertical-align:baseline}\n"
    "thead th{border-bottom-width:2px;font-size:.875rem;white-space:nowrap}\n"
    "[aria-sort] a{font-weight:600}\n"
    "[aria-sort=ascending] a::after{content:\" \\2191\"}\n"
    "[aria-sort=descending] a::after{content:\" \\2193\"}\n"
    "tbody th{overflow-wrap:anywhere;white-space:pre-wrap;width:100%}\n"
    "tbody tr:hover{background:var(--fill)}\n"
    ".d a{font-weight:600}\n"
    "td{color:var(--note);white-space:nowrap}\n"
    "th+th,td{text-align:right}\n"
    ".cut{border-left:3px solid var(--go);padding-left:.75rem}\n"
    "footer{color:var(--note);font-size:.875rem;margin-top:1rem}\n"
    "@media(max-width:34rem){th,td{padding:.4rem .25rem}thead th{white-space:normal}td{font-size:.8125rem}"
    "time{display:block;margin-left:auto;white-space:normal;width:5rem}}\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>Index of ";

/* One step of the way from the root to the folder, linked when it is not too many levels up. Links are relative: so
   they hold behind a proxy that serves this under a prefix, and can't lead to another host. */
static void put_ancestor(struct text *text, size_t levels, struct slice name) {
    if (levels > 0 && levels <= CRUMBS_MAX) {
        put_text(text, "<a href=\"");
        for (size_t i = 0; i < levels; i++)
            put_text(text, "../");
        put_text(text, "\">");
    }
    if (name.len == 0) {
        put_text(text, "/");
    } else {
        put_text(text, "<bdi>");
        put_html(text, name);
        put_text(text, "</bdi>");
    }
    if (levels > 0 && levels <= CRUMBS_MAX)
        put_text(text, "</a>");
    if (name.len > 0)
        put_text(text, "/");
}

static void put_breadcrumb(struct text *text, struct slice path) {
    size_t levels = 0;
    for (size_t i = 0; i < path.len; i++)
        levels += path.at[i] == '/';
    put_ancestor(text, levels, (struct slice){NULL, 0});
    while (levels > 0) {
        size_t len = (size_t)((const char *)memchr(path.at, '/', path.len) - path.at);
        put_ancestor(text, --levels, (struct slice){path.at, len});
        path = slice_from(path, len + 1);
    }
}

/* A column's head: a link that sorts by it, or the other way round when the page is sorted by it already. */
static void put_column(struct text *text, const struct listing *listing, enum listing_sort sort) {
    static const struct {
        const char *title, *value;
        bool descending; /* what is looked for first: the largest, the newest */
    } columns[] = {
        [LISTING_BY_NAME] = {"Name", "name", false},
        [LISTING_BY_SIZE] = {"Size", "size", true},
        [LISTING_BY_TIME] = {"Modified (UTC)", "time", true},
    };
    bool sorted = listing->sort == sort;
    bool descending = sorted ? !listing->descending : columns[sort].descending;
    put_text(text, "<th scope=\"col\"");
    if (sorted)
        put_text(text, listing->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    put_text(text, "><a href=\"?sort=");
    put_text(text, columns[sort].value);
    put_text(text, descending ? "&amp;order=desc\">" : "&amp;order=asc\">");
    put_text(text, columns[sort].title);
    put_text(text, "</a></th>");
}

static void put_head(struct text *text, const struct listing *listing, const struct listing_entries *entries) {
    put_text(text, page_begin);
    put_html(text, listing->path);
    put_text(text, page_style);
    put_breadcrumb(text, listing->path);
    put_text(text, "</h1>\n");
    if (entries->cut) {
        put_text(text, "<p class=\"cut\">This folder holds more than can be listed: these are the first ");
        put_number(text, entries->count);
        put_text(text, " that the file system named, sorted.</p>\n");
    }
    put_text(text, "<table>\n<caption>Folders and files</caption>\n<thead>\n<tr>");
    put_column(text, listing, LISTING_BY_NAME);
    put_column(text, listing, LISTING_BY_SIZE);
    put_column(text, listing, LISTING_BY_TIME);
    put_text(text, "</tr>\n</thead>\n<tbody>\n");
    if (listing->path.len > 0)
        put_text(text, "<tr class=\"d\"><th scope=\"row\"><a href=\"../\">../</a></th><td></td><td></td></tr>\n");
    else if (entries->count == 0 && !entries->cut)
        put_text(text, "<tr><td colspan=\"3\">This folder is empty.</td></tr>\n");
}

static void put_row(struct text *text, const struct listing_entry *entry) {
    struct slice name = {entry->name, entry->name_len};
    const char *slash = entry->folder ? "/" : "";
    put_text(text, entry->folder ? "<tr class=\"d\">" : "<tr>");
    put_text(text, "<th scope=\"row\"><a href=\"./");
    put_encoded(text, name);
    put_text(text, slash);
    put_text(text, "\"><bdi>");
    put_html(text, name);
    put_text(text, "</bdi>");
    put_text(text, slash);
    put_text(text, "</a></th><td");
    if (!entry->folder) {
        put_text(text, " title=\"");
        put_count(text, (uint64_t)entry->size, " byte\"", " bytes\"");
    }
    put_text(text, ">");
    if (!entry->folder)
        put_size(text, (uint64_t)entry->size);
    put_text(text, "</td><td>");
    put_time(text, entry->mtime);
    put_text(text, "</td></tr>\n");
}

static void put_tail(struct text *text, const struct listing_entries *entries, size_t shown) {
    uint64_t folder_count = 0, size = 0;
    for (size_t i = 0; i < shown; i++) {
        folder_count += entries->at[i].folder;
        size += entries->at[i].folder ? 0 : (uint64_t)entries->at[i].size;
    }
    put_text(text, "</tbody>\n</table>\n</main>\n<footer>\n");
    if (shown < entries->count) {
        put_text(text, "<p class=\"cut\">Cut here: ");
        put_number(text, shown);
        put_text(text, " of ");
        put_number(text, entries->count);
        put_text(text, " are shown.</p>\n");
    }
    put_text(text, "<p>");
    put_count(text, folder_count, " folder, ", " folders, ");
    put_count(text, shown - folder_count, " file, ", " files, ");
    put_size(text, size);
    put_text(text, "</p>\n</footer>\n</body>\n</html>\n");
}

static void put_object(struct text *text, const struct listing_entry *entry, bool first) {
    char date[HTTPDATE_LEN];
    httpdate_format(entry->mtime, date);
    put_text(text, first ? "\n{\"name\":\"" : ",\n{\"name\":\"");
    put_json(text, (struct slice){entry->name, entry->name_len});
    put_text(text, entry->folder ? "\",\"type\":\"directory\",\"mtime\":\"" : "\",\"type\":\"file\",\"mtime\":\"");
    put(text, date, HTTPDATE_LEN);
    put_text(text, "\"");
    if (!entry->folder) {
        put_text(text, ",\"size\":");
        put_number(text, (uint64_t)entry->size);
    }
    put_text(text, "}");
}

ssize_t listing_render(const struct listing *listing, int folder_fd, char *work, size_t work_size, char *out,
                       size_t out_size) {
    struct listing_entries entries;
    size_t shown, reserve = listing->json ? strlen("\n]\n") : TAIL_LEN;
    int error = listing_gather(listing, folder_fd, work, work_size, &entries);
    if (error)
        return error;
    if (out_size < reserve)
        return -ENOBUFS;
    struct text text = {.at = out, .limit = out_size - reserve};
    if (listing->json)
        put_text(&text, "[");
    else
        put_head(&text, listing, &entries);
    if (text.full)
        return -ENOBUFS;
    for (shown = 0; shown < entries.count; shown++) {
        size_t row = text.len;
        if (listing->json)
            put_object(&text, &entries.at[shown], shown == 0);
        else
            put_row(&text, &entries.at[shown]);
        if (text.full) {
            text.len = row;
            text.full = false;
            break;
        }
    }
    text.limit = out_size;
    if (listing->json)
        put_text(&text, shown > 0 ? "\n]\n" : "]\n");
    else
        put_tail(&text, &entries, shown);
    CHECK(!text.full);
    return (ssize_t)text.len;
}

int listing_make(const struct listing *listing, int folder_fd, struct listing_text *text) {
    enum { SIZE = 4 << 20 };
    text->at = malloc(2 * SIZE);
    ssize_t len = text->at ? listing_render(listing, folder_fd, text->at + SIZE, SIZE, text->at, SIZE) : -ENOMEM;
    text->len = len > 0 ? (size_t)len : 0;
    return len < 0 ? (int)len : 0;
}
