#define _GNU_SOURCE
/* Listings: what is listed, in what order, under hostile names, and cut at every bound. What was rendered is read back
   by small strict readers of JSON and of HTML, and compared with what readdir and stat say. */
#include "site/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FFFD "\xEF\xBF\xBD"

enum { ITEMS_MAX = 1000, TEXT_MAX = 4 * 256 };

static char folder[] = "/tmp/listing-XXXXXX";
static int folder_fd = -1;

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/listing-XXXXXX");
    assert_non_null(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
    return folder_fd < 0;
}

static int drop_folder(void **state) {
    (void)state;
    struct dirent *entry;
    DIR *dir = fdopendir(folder_fd);
    rewinddir(dir);
    while ((entry = readdir(dir)))
        if (unlinkat(folder_fd, entry->d_name, 0) < 0)
            unlinkat(folder_fd, entry->d_name, AT_REMOVEDIR);
    closedir(dir);
    rmdir(folder);
    return 0;
}

static void add_file(const char *name, off_t size, time_t mtime) {
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        fail_msg("%s: %s", name, strerror(errno));
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(futimens(fd, (struct timespec[]){{mtime, 0}, {mtime, 0}}), 0);
    close(fd);
}

static void add_folder(const char *name, time_t mtime) {
    assert_int_equal(mkdirat(folder_fd, name, 0755), 0);
    assert_int_equal(utimensat(folder_fd, name, (struct timespec[]){{mtime, 0}, {mtime, 0}}, 0), 0);
}

/* The last listing, NUL-terminated, until the next one. */
static char *rendered;

static char *keep(struct listing_text text) {
    free(rendered);
    rendered = strndup(text.at, text.len);
    assert_int_equal(strlen(rendered), text.len);
    free(text.at);
    return rendered;
}

static char *render(const struct listing *listing) {
    struct listing_text text;
    assert_int_equal(listing_make(listing, folder_fd, &text), 0);
    return keep(text);
}

/* The same with other bounds; NULL: it is refused. */
static char *render_within(const struct listing *listing, size_t entries_max, size_t len_max) {
    struct listing_entries entries;
    struct listing_text text;
    assert_int_equal(listing_gather(listing, folder_fd, entries_max, &entries), 0);
    assert_true(entries.count <= entries_max);
    int error = listing_render(listing, &entries, len_max, &text);
    listing_drop(&entries);
    assert_true(error == 0 || error == -EFBIG);
    return error ? NULL : keep(text);
}

/* ---- what was listed, read back */

struct item {
    char name[TEXT_MAX];  /* as linked */
    char shown[TEXT_MAX]; /* as text */
    bool folder;
    long long size;
    char date[32];
};
static struct item items[ITEMS_MAX],
    reference[ITEMS_MAX]; /* of more items, the last so many: item i is at i % ITEMS_MAX */

static void expect(const char **at, const char *literal) {
    size_t len = strlen(literal);
    if (strncmp(*at, literal, len) != 0)
        fail_msg("expected %s at: %.60s", literal, *at);
    *at += len;
}

/* The code point of the well-formed character at `s`, or -1: assembled loosely, then encoded again and compared. */
static long decode_char(const unsigned char *s, size_t *len) {
    unsigned char again[4];
    unsigned long code;
    *len = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    code = *len == 1 ? s[0] : s[0] & (0xFFU >> (*len + 1));
    for (size_t i = 1; i < *len; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF)
            return -1;
        code = code << 6 | (s[i] & 0x3FU);
    }
    size_t least = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (least != *len || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return -1;
    for (size_t i = *len; i-- > 1; code >>= 6)
        again[i] = (unsigned char)(0x80 | (code & 0x3F));
    again[0] = (unsigned char)((*len == 1 ? 0 : 0xF00U >> *len) | code);
    if (memcmp(again, s, *len) != 0)
        return -1;
    code = *len == 1 ? s[0] : s[0] & (0xFFU >> (*len + 1));
    for (size_t i = 1; i < *len; i++)
        code = code << 6 | (s[i] & 0x3FU);
    return (long)code;
}

static void check_utf8(const char *text) {
    size_t len;
    for (const unsigned char *s = (const unsigned char *)text; *s; s += len)
        assert_true(decode_char(s, &len) >= 0);
}

static void read_json_string(const char **at, char *to) {
    char *begin = to;
    expect(at, "\"");
    while (**at != '"') {
        assert_true((unsigned char)**at >= 0x20);
        assert_true(to - begin < TEXT_MAX - 4);
        if (**at != '\\') {
            *to++ = *(*at)++;
        } else if (strncmp(*at, "\\ufffd", 6) == 0) {
            to = stpcpy(to, FFFD);
            *at += 6;
        } else if (strncmp(*at, "\\u00", 4) == 0) {
            *to++ = (char)strtol((char[]){(*at)[4], (*at)[5], '\0'}, NULL, 16);
            *at += 6;
        } else {
            assert_true((*at)[1] == '"' || (*at)[1] == '\\');
            *to++ = (*at)[1];
            *at += 2;
        }
    }
    *to = '\0';
    *at += 1;
}

/* A relative address of one segment, with nothing in it but unreserved characters and escapes, into item->name. */
static void decode_address(struct item *item, const char *address) {
    char *to = item->name;
    for (const char *c = address; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        assert_true(plain || strchr("-._~%", *c) || (item->folder && *c == '/' && c[1] == '\0'));
        if (*c == '%') {
            *to++ = (char)strtol((char[]){c[1], c[2], '\0'}, NULL, 16);
            c += 2;
        } else {
            *to++ = *c;
        }
    }
    assert_true(to > item->name && (!item->folder || to[-1] == '/'));
    to[item->folder ? -1 : 0] = '\0';
    assert_null(strchr(item->name, '/'));
}

static size_t read_json(const char *at) {
    size_t count = 0;
    check_utf8(at);
    expect(&at, "[");
    while (*at != ']') {
        struct item *item = &items[count++ % ITEMS_MAX];
        char type[TEXT_MAX], date[TEXT_MAX], address[TEXT_MAX];
        expect(&at, count > 1 ? ",\n{\"name\":" : "\n{\"name\":");
        read_json_string(&at, item->shown);
        expect(&at, ",\"type\":");
        read_json_string(&at, type);
        expect(&at, ",\"mtime\":");
        read_json_string(&at, date);
        assert_int_equal(strlen(date), 29);
        strcpy(item->date, date);
        item->folder = strcmp(type, "directory") == 0;
        item->size = -1;
        if (!item->folder) {
            assert_string_equal(type, "file");
            expect(&at, ",\"size\":");
            item->size = strtoll(at, (char **)(void *)&at, 10);
        }
        expect(&at, ",\"href\":");
        read_json_string(&at, address);
        decode_address(item, address);
        expect(&at, "}");
        if (*at == '\n')
            at++;
    }
    expect(&at, "]\n");
    assert_string_equal(at, "");
    return count;
}

/* Text up to the next tag or quote, its references resolved. */
static void read_html_text(const char **at, char *to, char end) {
    static const struct {
        const char *reference;
        char is;
    } references[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    while (**at != end) {
        size_t i = 0;
        assert_true(**at && !strchr("<>\"'", **at));
        if (**at != '&') {
            *to++ = *(*at)++;
            continue;
        }
        while (i < COUNT(references) && strncmp(*at, references[i].reference, strlen(references[i].reference)) != 0)
            i++;
        assert_true(i < COUNT(references));
        *to++ = references[i].is;
        *at += strlen(references[i].reference);
    }
    *to = '\0';
}

/* The page's tags are balanced, its attributes quoted, its text free of stray markup and control characters. */
static void check_html(const char *page) {
    static const char *const empty[] = {"meta", "br"};
    static char text[1 << 20];
    char open_tags[64][16];
    size_t depth = 0;
    const char *at = page;
    check_utf8(page);
    for (const char *c = page; *c; c++)
        assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    expect(&at, "<!doctype html>\n");
    while (*at) {
        char name[16];
        if (*at != '<') {
            if (depth > 0 && strcmp(open_tags[depth - 1], "style") == 0)
                at += strcspn(at, "<");
            else if (depth == 0 && strcmp(at, "\n") == 0)
                at++;
            else
                read_html_text(&at, text, '<');
            continue;
        }
        bool closes = *++at == '/';
        at += closes;
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz123456789");
        assert_true(len > 0 && len < sizeof name);
        memcpy(name, at, len);
        name[len] = '\0';
        for (at += len; *at == ' ' && !closes;) {
            at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz-");
            expect(&at, "=\"");
            read_html_text(&at, text, '"');
            at++;
        }
        expect(&at, ">");
        if (closes)
            assert_string_equal(name, open_tags[--depth]);
        else if (strcmp(name, empty[0]) != 0 && strcmp(name, empty[1]) != 0)
            strcpy(open_tags[depth++], name);
        assert_true(depth < COUNT(open_tags));
    }
    assert_int_equal(depth, 0);
}

/* A row is a line. (strstr would read to the page's end each time, under a sanitizer.) */
static size_t read_html(const char *page) {
    static const char row[] = "<th scope=\"row\"><a href=\"";
    size_t count = 0;
    check_html(page);
    for (const char *line = page; line; line = strchr(line + 1, '\n')) {
        struct item *item = &items[count % ITEMS_MAX];
        const char *at = line + strcspn(line, ">") + 1;
        char link[TEXT_MAX];
        if (strncmp(line, "\n<tr", 4) != 0 || strncmp(at, row, strlen(row)) != 0)
            continue;
        at += strlen(row);
        read_html_text(&at, link, '"');
        if (strcmp(link, "../") == 0)
            continue;
        count++;
        item->folder = link[strlen(link) - 1] == '/';
        decode_address(item, link);
        expect(&at, "\"><bdi>");
        read_html_text(&at, item->shown, '<');
        expect(&at, item->folder ? "</bdi>/</a></th><td><time datetime=\"" : "</bdi></a></th><td><time datetime=\"");
        at += strlen("2015-10-21T07:28:00Z");
        expect(&at, "\">");
        at += strlen("2015-10-21 07:28");
        expect(&at, item->folder ? "</time></td> <td>-</td></tr>\n" : "</time></td> <td title=\"");
        item->size = item->folder ? -1 : strtoll(at, NULL, 10);
    }
    return count;
}

/* ---- what readdir and stat say, sorted by exchange */

static int reference_order(const struct item *a, const struct item *b, const struct listing *listing) {
    struct tm tm_a, tm_b;
    long long difference = 0;
    if (a->folder != b->folder)
        return b->folder ? 1 : -1;
    strptime(a->date, "%a, %d %b %Y %H:%M:%S GMT", &tm_a);
    strptime(b->date, "%a, %d %b %Y %H:%M:%S GMT", &tm_b);
    int by_name = strcasecmp(a->name, b->name) ? strcasecmp(a->name, b->name) : strcmp(a->name, b->name);
    if (listing->sort == LISTING_BY_SIZE)
        difference = a->size - b->size;
    else if (listing->sort == LISTING_BY_TIME)
        difference = timegm(&tm_a) - timegm(&tm_b);
    else
        difference = by_name;
    if (difference == 0)
        return by_name;
    return (difference < 0) != listing->descending ? -1 : 1;
}

static size_t read_reference(const struct listing *listing) {
    size_t count = 0;
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while ((entry = readdir(dir))) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(fstatat(folder_fd, entry->d_name, &st, 0), 0);
        struct item *item = &reference[count++];
        strcpy(item->name, entry->d_name);
        item->folder = S_ISDIR(st.st_mode);
        item->size = item->folder ? -1 : (long long)st.st_size;
        strftime(item->date, sizeof item->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&st.st_mtime));
    }
    closedir(dir);
    for (size_t i = 1; i < count; i++) {
        struct item item = reference[i];
        size_t at = i;
        for (; at > 0 && reference_order(&item, &reference[at - 1], listing) < 0; at--)
            reference[at] = reference[at - 1];
        reference[at] = item;
    }
    return count;
}

/* The first `count` items are the reference's first. */
static void check_items(size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(items[i].name, reference[i].name);
        assert_int_equal(items[i].folder, reference[i].folder);
        assert_int_equal(items[i].size, reference[i].size);
    }
}

/* ---- tests */

static void test_query(void **state) {
    (void)state;
    static const struct {
        const char *query;
        enum listing_sort sort;
        bool descending, json;
    } rows[] = {
        {"", LISTING_BY_NAME, false, false},
        {"?", LISTING_BY_NAME, false, false},
        {"?sort=size", LISTING_BY_SIZE, false, false},
        {"sort=size", LISTING_BY_SIZE, false, false},
        {"?sort=time&order=desc&format=json", LISTING_BY_TIME, true, true},
        {"?C=M;O=D", LISTING_BY_TIME, true, false},
        {"?C=S&O=A", LISTING_BY_SIZE, false, false},
        {"?C=N;O=D", LISTING_BY_NAME, true, false},
        {"?C=S&O=D&format=json", LISTING_BY_SIZE, true, true},
        {"?sort=size&sort=name", LISTING_BY_NAME, false, false},
        {"?format=json&format=html", LISTING_BY_NAME, false, false},
        {"?sort=Size&order=descending&format=xml", LISTING_BY_NAME, false, false},
        {"?sort=size&sort=bogus", LISTING_BY_SIZE, false, false},
        {"?sort&order&=&&;sort==size&ssort=size&sort=size ", LISTING_BY_NAME, false, false},
        {"?x=1&&order=desc&", LISTING_BY_NAME, true, false},
        {"??sort=size", LISTING_BY_NAME, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listing listing = {.json = false};
        size_t len = strlen(rows[i].query);
        char *query = malloc(len + (len == 0)); /* nothing behind it, as a sanitizer sees */
        memcpy(query, rows[i].query, len);
        listing_read_query(&listing, (struct slice){query, len});
        free(query);
        assert_int_equal(listing.sort, rows[i].sort);
        assert_int_equal(listing.descending, rows[i].descending);
        assert_int_equal(listing.json, rows[i].json);
    }
    struct listing listing = {.json = true, .sort = LISTING_BY_SIZE, .descending = true};
    listing_read_query(&listing, (struct slice){NULL, 0});
    assert_true(listing.json && listing.descending && listing.sort == LISTING_BY_SIZE);
}

static void test_empty(void **state) {
    (void)state;
    struct listing listing = {.json = true};
    assert_string_equal(render(&listing), "[]\n");
    listing.json = false;
    assert_int_equal(read_html(render(&listing)), 0);
    assert_non_null(strstr(render(&listing), "This folder is empty."));
    assert_non_null(strstr(render(&listing), "0 folders, 0 files, 0 B"));
    assert_null(strstr(render(&listing), "../"));
    listing.path = SLICE("a/b <i>/");
    check_html(render(&listing));
    assert_non_null(strstr(render(&listing), "<title>Index of /a/b &lt;i&gt;/</title>"));
    assert_non_null(strstr(render(&listing), "<h1>Index of <a href=\"../../\">/</a><a href=\"../\"><bdi>a</bdi></a>/"
                                             "<bdi>b &lt;i&gt;</bdi>/</h1>"));
    assert_non_null(strstr(render(&listing), "<th scope=\"row\"><a href=\"../\">../</a></th>"));
}

/* Every byte that a name may hold, alone, between letters, and in what looks like a scheme, a host or markup. */
static void test_nasty_names(void **state) {
    (void)state;
    static const char *const names[] = {
        "javascript:alert(1)",
        "http:evil",
        "a:b",
        "%2e%2e",
        "%00",
        "<script>x<!--",
        "&amp;",
        "&#60;",
        "\"onload=x\"",
        "'x'",
        "a\\b",
        "\\u0041",
        "?query",
        "#fragment",
        "two  spaces ",
        " leading",
        "new\nline",
        "\r\n\r\n",
        "\xC0\xAF",
        "\xED\xA0\x80",
        "\xE0\x80\xAF",
        "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80",
        "\xE2\x82",
        "\xE2\x82\xAC",
        "\xC2\x85",
        "\xEF\xBF\xBE",
        "\xF0\x9F\x92\xA9",
        "\xE2\x80\xAEgpj",
        "\xFF\xFE",
        "...",
        "~~",
    };
    struct listing listing = {.path = SLICE("x/")};
    char name[256];
    for (int c = 1; c < 256; c++) {
        if (c == '/')
            continue;
        sprintf(name, "x%cy%d", c, c);
        add_file(name, c, 1445412480);
        sprintf(name, "%c", c);
        if (c != '.')
            add_folder(name, 1445412480);
    }
    for (size_t i = 0; i < COUNT(names); i++)
        add_file(names[i], 7, 1445412480);
    for (unsigned char c = 1; c < 5; c++) { /* the longest of all that escapes can make */
        memset(name, "\x01\"\xFF'"[c - 1], 255);
        name[255] = '\0';
        add_file(name, 1, 0);
    }
    listing.dotfiles = true; /* "..." */
    size_t html_count = read_html(render(&listing));
    listing.dotfiles = false;
    size_t count = read_reference(&listing);
    assert_int_equal(html_count, count + 1);
    assert_int_equal(read_html(render(&listing)), count);
    check_items(count);
    for (size_t i = 0; i < count; i++) { /* as text: the naive decoding of the name */
        char shown[TEXT_MAX], *to = shown;
        size_t len;
        for (const unsigned char *s = (const unsigned char *)reference[i].name; *s; s += len) {
            long code = decode_char(s, &len);
            if (code < 0)
                len = 1;
            if (code < 0 || (code >= 0x80 && code < 0xA0) || code == 0xFFFE)
                to = stpcpy(to, FFFD);
            else if (code < 0x20 || code == 0x7F)
                to += sprintf(to, "\xE2\x90%c", code == 0x7F ? 0xA1 : (int)(0x80 + code));
            else
                to = mempcpy(to, s, len);
        }
        *to = '\0';
        assert_string_equal(items[i].shown, shown);
    }
    listing.json = true;
    assert_int_equal(read_json(render(&listing)), count);
    check_items(count);
    for (size_t i = 0; i < count; i++) {
        char shown[TEXT_MAX], *to = shown;
        size_t len;
        for (const unsigned char *s = (const unsigned char *)reference[i].name; *s; s += len) {
            bool valid = decode_char(s, &len) >= 0;
            to = valid ? mempcpy(to, s, len) : stpcpy(to, FFFD);
            len = valid ? len : 1;
        }
        *to = '\0';
        assert_string_equal(items[i].shown, shown);
    }
    FILE *python = popen("python3 -c 'import json,sys; json.load(sys.stdin.buffer)' 2>/dev/null", "w");
    fputs(render(&listing), python);
    int status = pclose(python);
    assert_true(status == 0 || WEXITSTATUS(status) == 127); /* 127: there is no python3 */
}

static void test_orders(void **state) {
    (void)state;
    char name[64];
    srandom(7);
    for (int i = 0; i < 150; i++) {
        sprintf(name, "%c%c%ld", (int)("aAbBzZ_[\xE4-"[random() % 10]), (int)("aA.0"[random() % 4]), random() % 60);
        if (faccessat(folder_fd, name, F_OK, 0) == 0)
            continue;
        if (i % 4 == 0)
            add_folder(name, 1000000000 + random() % 20);
        else
            add_file(name, random() % 20, 1000000000 + random() % 20 * 86400);
    }
    for (int i = 0; i < 12; i++) {
        struct listing listing = {.sort = (enum listing_sort)(i / 4), .descending = i & 1, .json = i & 2};
        size_t count = read_reference(&listing);
        const char *text = render(&listing);
        assert_int_equal(listing.json ? read_json(text) : read_html(text), count);
        check_items(count);
        if (listing.json) {
            for (size_t at = 0; at < count; at++)
                assert_string_equal(items[at].date, reference[at].date);
        } else {
            sprintf(name, "aria-sort=\"%sending\"><a href=\"?C=%c;O=%c\">", i & 1 ? "desc" : "asc", "NSM"[i / 4],
                    i & 1 ? 'A' : 'D');
            assert_non_null(strstr(text, name));
            assert_int_equal(!strstr(text, "noindex,nofollow"), i == 0);
        }
    }
}

static void test_sizes_and_times(void **state) {
    (void)state;
    static const struct {
        off_t size;
        time_t mtime;
        const char *cells;
    } rows[] = {
        {0, 0,
         "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00</time></td> <td title=\"0 bytes\">0</td></tr>"},
        {1, 1, "\"1970-01-01T00:00:01Z\">1970-01-01 00:00</time></td> <td title=\"1 byte\">1</td>"},
        {1023, 951782399, "\"2000-02-28T23:59:59Z\">2000-02-28 23:59</time></td> <td title=\"1023 bytes\">1023</td>"},
        {1024, 951868799, "\"2000-02-29T23:59:59Z\">2000-02-29 23:59</time></td> <td title=\"1024 bytes\">1.0K</td>"},
        {1588, 1735689599, "\"2024-12-31T23:59:59Z\">2024-12-31 23:59</time></td> <td title=\"1588 bytes\">1.6K</td>"},
        {1048524, 1445412480, ">2015-10-21 07:28</time></td> <td title=\"1048524 bytes\">1023.9K</td>"},
        {1048525, 1445412480, "\"1048525 bytes\">1.0M</td>"},
        {1073741823, 1445412480, "\"1073741823 bytes\">1.0G</td>"},
        {5905580032, 1445412480, "\"5905580032 bytes\">5.5G</td>"},
        {1099511627776, 1445412480, "\"1099511627776 bytes\">1.0T</td>"},
    };
    struct listing listing = {.json = false};
    char name[32];
    for (size_t i = 0; i < COUNT(rows); i++) {
        sprintf(name, "f%zu", i);
        add_file(name, rows[i].size, rows[i].mtime);
    }
    const char *page = render(&listing);
    check_html(page);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!strstr(page, rows[i].cells))
            fail_msg("%s is not in %s", rows[i].cells, page);
}

static int follow_none(void *context, const char *name, struct stat *st) {
    (void)st;
    strcat(context, name);
    return -EXDEV;
}

static int follow_as_file(void *context, const char *name, struct stat *st) {
    (void)context;
    return strcmp(name, "dangling") == 0 ? -ENOENT : stat("/proc/self/exe", st);
}

/* Folders whose own sizes are against the order of their names. */
static int follow_as_folder(void *context, const char *name, struct stat *st) {
    (void)context;
    *st = (struct stat){.st_mode = S_IFDIR, .st_size = 1000 - name[0]};
    return 0;
}

static void test_folder_sizes(void **state) {
    (void)state;
    struct listing listing = {.json = true, .sort = LISTING_BY_SIZE, .follow = follow_as_folder};
    assert_int_equal(symlinkat("x", folder_fd, "b"), 0);
    assert_int_equal(symlinkat("x", folder_fd, "a"), 0);
    for (int descending = 0; descending < 2; descending++) {
        listing.descending = descending;
        assert_int_equal(read_json(render(&listing)), 2);
        assert_string_equal(items[0].name, "a");
    }
}

static void test_kinds(void **state) {
    (void)state;
    char seen[256] = "";
    struct listing listing = {.json = true};
    add_file("file", 3, 5);
    add_folder("folder", 5);
    add_file(".hidden", 3, 5);
    assert_int_equal(mkfifoat(folder_fd, "fifo", 0644), 0);
    assert_int_equal(symlinkat("file", folder_fd, "to-file"), 0);
    assert_int_equal(symlinkat("folder", folder_fd, "to-folder"), 0);
    assert_int_equal(symlinkat("fifo", folder_fd, "to-fifo"), 0);
    assert_int_equal(symlinkat("/dev/null", folder_fd, "to-device"), 0);
    assert_int_equal(symlinkat("nowhere", folder_fd, "dangling"), 0);
    assert_int_equal(symlinkat("loop", folder_fd, "loop"), 0);
    assert_string_equal(render(&listing), "[\n{\"name\":\"folder\",\"type\":\"directory\",\"mtime\":\"Thu, 01 Jan 1970 "
                                          "00:00:05 GMT\",\"href\":\"folder/\"},\n"
                                          "{\"name\":\"to-folder\",\"type\":\"directory\",\"mtime\":\"Thu, 01 Jan 1970 "
                                          "00:00:05 GMT\",\"href\":\"to-folder/\"},\n"
                                          "{\"name\":\"file\",\"type\":\"file\",\"mtime\":\"Thu, 01 Jan 1970 00:00:05 "
                                          "GMT\",\"size\":3,\"href\":\"file\"},\n"
                                          "{\"name\":\"to-file\",\"type\":\"file\",\"mtime\":\"Thu, 01 Jan 1970 "
                                          "00:00:05 GMT\",\"size\":3,\"href\":\"to-file\"}"
                                          "\n]\n");
    listing.dotfiles = true;
    assert_int_equal(read_json(render(&listing)), 5);
    assert_string_equal(items[2].name, ".hidden");
    listing.follow = follow_none;
    listing.follow_context = seen;
    assert_int_equal(read_json(render(&listing)), 3);
    assert_non_null(strstr(seen, "to-device"));
    assert_null(strstr(seen, "hidden"));
    listing.follow = follow_as_file;
    assert_int_equal(read_json(render(&listing)), 3 + 5);
}

static void test_unreadable(void **state) {
    (void)state;
    struct listing listing = {.json = true};
    struct listing_text text;
    int file = open("/proc/self/exe", O_RDONLY), path = open(folder, O_PATH);
    assert_int_equal(listing_make(&listing, file, &text), -ENOTDIR);
    assert_int_equal(listing_make(&listing, path, &text), -EBADF);
    close(file);
    close(path);
    add_folder("gone", 0);
    int gone = openat(folder_fd, "gone", O_RDONLY);
    unlinkat(folder_fd, "gone", AT_REMOVEDIR);
    assert_int_equal(listing_make(&listing, gone, &text), -ENOENT);
    close(gone);
}

static int follow_without_fds(void *context, const char *name, struct stat *st) {
    (void)context, (void)name, (void)st;
    return -EMFILE;
}

/* What can't be told whole for want of means isn't told in part. */
static void test_no_means(void **state) {
    (void)state;
    struct listing listing = {.follow = follow_without_fds};
    struct listing_text text;
    add_file("file", 3, 5);
    assert_int_equal(symlinkat("file", folder_fd, "link"), 0);
    assert_int_equal(listing_make(&listing, folder_fd, &text), -EMFILE);
}

/* Every bound: of a page a whole number of rows, in order, properly closed; of JSON all or nothing. */
static void test_cuts(void **state) {
    (void)state;
    static const char *const names[] = {"a", "<b>&\"'", "\xFF\xFE", "c\x01", "long long name, longer than others"};
    struct listing page = {.path = SLICE("x/")}, json = {.path = SLICE("x/"), .json = true};
    for (size_t i = 0; i < COUNT(names); i++)
        add_file(names[i], (off_t)i * 1000, 1445412480);
    add_folder("folder", 1445412480);
    size_t count = read_reference(&page), most = 0, full = strlen(render(&page));
    for (size_t len_max = 0; len_max <= full; len_max++) {
        size_t shown = read_html(render_within(&page, count, len_max));
        assert_true(shown >= most && shown <= count);
        assert_int_equal(!strstr(rendered, "Cut here: "), shown == count);
        check_items(shown);
        most = shown;
    }
    assert_int_equal(most, count);
    full = strlen(render(&json));
    for (size_t len_max = 0; len_max <= full; len_max++)
        if (render_within(&json, count, len_max))
            assert_int_equal(read_json(rendered), count);
        else
            assert_true(len_max < full);
    for (size_t entries_max = 0; entries_max <= count; entries_max++) {
        assert_int_equal(read_html(render_within(&page, entries_max, LISTING_LEN_MAX)), entries_max);
        assert_int_equal(!strstr(rendered, "more than can be listed"), entries_max == count);
        assert_int_equal(!render_within(&json, entries_max, LISTING_LEN_MAX), entries_max < count);
    }
}

static void test_worst_path(void **state) {
    (void)state;
    static const char *const fills[] = {"\"/", "\"", "\xFF", "a/", "\x01/"};
    static char path[4080];
    add_file("f", 1, 1);
    for (size_t i = 0; i < COUNT(fills); i++) {
        size_t len = strlen(fills[i]);
        for (size_t at = 0; at < sizeof path; at++)
            path[at] = fills[i][at % len];
        path[sizeof path - 1] = '/';
        struct listing listing = {.path = {path, sizeof path}};
        assert_int_equal(read_html(render(&listing)), 1);
        assert_true(strlen(rendered) < 64 * 1024);
    }
}

static void test_many(void **state) {
    (void)state;
    enum { MANY = 100000 };
    struct listing listing = {.json = false};
    struct timespec begin, end;
    char name[64];
    for (int i = 0; i < MANY; i++) {
        sprintf(name, "name-%05d.txt", (int)((i * 7919L) % MANY));
        assert_int_equal(mknodat(folder_fd, name, S_IFREG | 0644, 0), 0);
    }
    for (int json = 0; json < 2; json++) {
        listing.json = json;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        const char *text = render(&listing);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
        print_message("%d files: %zu bytes in %.1f ms of CPU\n", MANY, strlen(text), seconds * 1e3);
        assert_true(seconds < 10); /* sanitizers and busy machines included; 0.3 are usual */
        assert_int_equal(json ? read_json(text) : read_html(text), MANY);
        for (int i = MANY - ITEMS_MAX; i < MANY; i++) {
            sprintf(name, "name-%05d.txt", i);
            assert_string_equal(items[i % ITEMS_MAX].name, name);
        }
    }
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),    IN_FOLDER(test_empty),      IN_FOLDER(test_nasty_names),
        IN_FOLDER(test_orders),          IN_FOLDER(test_kinds),      IN_FOLDER(test_folder_sizes),
        IN_FOLDER(test_sizes_and_times), IN_FOLDER(test_unreadable), IN_FOLDER(test_cuts),
        IN_FOLDER(test_worst_path),      IN_FOLDER(test_many),       IN_FOLDER(test_no_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
