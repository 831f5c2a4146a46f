/* A listing as text. A row that reached beyond the bound is taken back, and what follows the rows is not counted, so a
   cut page is as well-formed as a whole one.

   Programs read the page too. What they know is Apache's: a row is a line, in which the link comes first; behind it the
   time, then the size, with a space between them and "-" where there is none; and links that begin with "?C=" sort. A
   link is the plain name, without "./". */
#include "base/calendar.h"
#include "base/httpdate.h"
#include "site/listing.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CRUMBS_MAX = 32, /* ancestors with a link each: the links' lengths add up to the square of this */
};

static void put_count(struct text *text, uint64_t count, const char *one, const char *many) {
    text_put_number(text, count);
    text_put_string(text, count == 1 ? one : many);
}

/* How `ls -h` and Apache write a size, which programs read, and how people do. */
static const char *const units_short[] = {"", "K", "M", "G", "T"};
static const char *const units_long[] = {" B", " KiB", " MiB", " GiB", " TiB"};

static void put_size(struct text *text, uint64_t size, const char *const units[5]) {
    unsigned unit = 0;
    uint64_t tenths = 0;
    if (size < 1024)
        text_put_number(text, size);
    while (size >= 1024 && (unit == 0 || (tenths >= 10240 && unit < 4))) {
        unsigned shift = 10 * ++unit;
        uint64_t rest = size & ((UINT64_C(1) << shift) - 1);
        tenths = (size >> shift) * 10 + ((rest * 10 + (UINT64_C(1) << (shift - 1))) >> shift);
    }
    if (unit > 0) {
        text_put_number(text, tenths / 10);
        text_put(text, (char[]){'.', (char)('0' + tenths % 10)}, 2);
    }
    text_put_string(text, units[unit]);
}

/* As ISO 8601 has it, to the second for programs and to the minute for people. */
static void put_time(struct text *text, int64_t seconds) {
    char iso[] = "yyyy-mm-ddThh:mm:ssZ";
    struct calendar c = calendar_of(calendar_clamp(seconds));
    calendar_put(iso, c.year, 4);
    calendar_put(iso + 5, c.month, 2);
    calendar_put(iso + 8, c.day, 2);
    calendar_put(iso + 11, c.hour, 2);
    calendar_put(iso + 14, c.minute, 2);
    calendar_put(iso + 17, c.second, 2);
    text_put_string(text, "<time datetime=\"");
    text_put_string(text, iso);
    text_put_string(text, "\">");
    text_put(text, iso, 10);
    text_put_string(text, " ");
    text_put(text, iso + 11, 5);
    text_put_string(text, "</time>");
}

static const char page_begin[] = "<!doctype html>\n"
                                 "<html lang=\"en\">\n"
                                 "<head>\n"
                                 "<meta charset=\"utf-8\">\n"
                                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                 "<meta name=\"color-scheme\" content=\"light dark\">\n";

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
        text_put_string(text, "<a href=\"");
        for (size_t i = 0; i < levels; i++)
            text_put_string(text, "../");
        text_put_string(text, "\">");
    }
    if (name.len == 0) {
        text_put_string(text, "/");
    } else {
        text_put_string(text, "<bdi>");
        text_put_html(text, name);
        text_put_string(text, "</bdi>");
    }
    if (levels > 0 && levels <= CRUMBS_MAX)
        text_put_string(text, "</a>");
    if (name.len > 0)
        text_put_string(text, "/");
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
        const char *title, *link;
        bool descending; /* what is looked for first: the largest, the newest */
    } columns[] = {
        [LISTING_BY_NAME] = {"Name", "?C=N;O=", false},
        [LISTING_BY_SIZE] = {"Size", "?C=S;O=", true},
        [LISTING_BY_TIME] = {"Modified (UTC)", "?C=M;O=", true},
    };
    bool sorted = listing->sort == sort;
    bool descending = sorted ? !listing->descending : columns[sort].descending;
    text_put_string(text, "<th scope=\"col\"");
    if (sorted)
        text_put_string(text, listing->descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    text_put_string(text, "><a href=\"");
    text_put_string(text, columns[sort].link);
    text_put_string(text, descending ? "D\">" : "A\">");
    text_put_string(text, columns[sort].title);
    text_put_string(text, "</a></th>");
}

static void put_head(struct text *text, const struct listing *listing, const struct listing_entries *entries) {
    text_put_string(text, page_begin);
    if (listing->sort != LISTING_BY_NAME || listing->descending)
        text_put_string(text, "<meta name=\"robots\" content=\"noindex,nofollow\">\n");
    text_put_string(text, "<title>Index of /");
    text_put_html(text, listing->path);
    text_put_string(text, page_style);
    put_breadcrumb(text, listing->path);
    text_put_string(text, "</h1>\n");
    if (entries->cut) {
        text_put_string(text, "<p class=\"cut\">This folder holds more than can be listed: these are the first ");
        text_put_number(text, entries->count);
        text_put_string(text, " that the file system named, sorted.</p>\n");
    }
    text_put_string(text, "<table>\n<caption>Folders and files</caption>\n<thead>\n<tr>");
    put_column(text, listing, LISTING_BY_NAME);
    put_column(text, listing, LISTING_BY_TIME);
    put_column(text, listing, LISTING_BY_SIZE);
    text_put_string(text, "</tr>\n</thead>\n<tbody>\n");
    if (listing->path.len > 0)
        text_put_string(text,
                        "<tr class=\"d\"><th scope=\"row\"><a href=\"../\">../</a></th><td></td><td></td></tr>\n");
    else if (entries->count == 0 && !entries->cut)
        text_put_string(text, "<tr><td colspan=\"3\">This folder is empty.</td></tr>\n");
}

static struct slice name_of(const struct listing_entries *entries, const struct listing_entry *entry) {
    return (struct slice){entries->names.at + entry->name_at, entry->name_len};
}

static void put_row(struct text *text, const struct listing_entry *entry, struct slice name) {
    const char *slash = entry->folder ? "/" : "";
    text_put_string(text, entry->folder ? "<tr class=\"d\">" : "<tr>");
    text_put_string(text, "<th scope=\"row\"><a href=\"");
    text_put_address(text, name);
    text_put_string(text, slash);
    text_put_string(text, "\"><bdi>");
    text_put_html(text, name);
    text_put_string(text, "</bdi>");
    text_put_string(text, slash);
    text_put_string(text, "</a></th><td>");
    put_time(text, entry->mtime);
    if (entry->folder) {
        text_put_string(text, "</td> <td>-</td></tr>\n");
        return;
    }
    text_put_string(text, "</td> <td title=\"");
    put_count(text, (uint64_t)entry->size, " byte\">", " bytes\">");
    put_size(text, (uint64_t)entry->size, units_short);
    text_put_string(text, "</td></tr>\n");
}

static void put_tail(struct text *text, const struct listing_entries *entries, size_t shown) {
    uint64_t folder_count = 0, size = 0;
    for (size_t i = 0; i < shown; i++) {
        const struct listing_entry *entry = &entries->at[i];
        folder_count += entry->folder;
        size += entry->folder ? 0 : (uint64_t)entry->size;
    }
    text_put_string(text, "</tbody>\n</table>\n</main>\n<footer>\n");
    if (shown < entries->count) {
        text_put_string(text, "<p class=\"cut\">Cut here: ");
        text_put_number(text, shown);
        text_put_string(text, " of ");
        text_put_number(text, entries->count);
        text_put_string(text, " are shown.</p>\n");
    }
    text_put_string(text, "<p>");
    put_count(text, folder_count, " folder, ", " folders, ");
    put_count(text, shown - folder_count, " file, ", " files, ");
    put_size(text, size, units_long);
    text_put_string(text, "</p>\n</footer>\n</body>\n</html>\n");
}

static void put_object(struct text *text, const struct listing_entry *entry, struct slice name) {
    char date[HTTPDATE_LEN];
    httpdate_format(entry->mtime, date);
    text_put_string(text, "\n{\"name\":\"");
    text_put_json(text, name);
    text_put_string(text,
                    entry->folder ? "\",\"type\":\"directory\",\"mtime\":\"" : "\",\"type\":\"file\",\"mtime\":\"");
    text_put(text, date, HTTPDATE_LEN);
    text_put_string(text, "\"");
    if (!entry->folder) {
        text_put_string(text, ",\"size\":");
        text_put_number(text, (uint64_t)entry->size);
    }
    text_put_string(text, ",\"href\":\"");
    text_put_address(text, name);
    text_put_string(text, entry->folder ? "/\"}" : "\"}");
}

static int render_page(struct text *text, const struct listing *listing, const struct listing_entries *entries,
                       size_t len_max) {
    size_t shown = 0;
    put_head(text, listing, entries);
    for (size_t row = text->len; shown < entries->count; row = text->len, shown++) {
        const struct listing_entry *entry = &entries->at[shown];
        put_row(text, entry, name_of(entries, entry));
        if (text->len > len_max) {
            text->len = row;
            break;
        }
    }
    put_tail(text, entries, shown);
    return 0;
}

static int render_json(struct text *text, const struct listing_entries *entries, size_t len_max) {
    if (entries->cut)
        return -EFBIG;
    text_put_string(text, "[");
    for (size_t i = 0; i < entries->count; i++) {
        const struct listing_entry *entry = &entries->at[i];
        if (i > 0)
            text_put_string(text, ",");
        put_object(text, entry, name_of(entries, entry));
        if (text->len > len_max)
            return -EFBIG;
    }
    text_put_string(text, entries->count > 0 ? "\n]\n" : "]\n");
    return 0;
}

int listing_render(const struct listing *listing, const struct listing_entries *entries, size_t len_max,
                   struct listing_text *out) {
    struct text text = {.failed = false};
    int error = listing->json ? render_json(&text, entries, len_max) : render_page(&text, listing, entries, len_max);
    if (text.failed)
        error = -ENOMEM;
    if (error)
        free(text.at);
    else
        *out = (struct listing_text){text.at, text.len};
    return error;
}
