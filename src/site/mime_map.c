/* One block: the entries, sorted by extension, then the strings they point to. */
#include "site/mime_map.h"
#include "base/utf8.h"
#include "protocol/mime.h"
#include "protocol/mime_types.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* The file of a big distribution has 80 KiB. */
    FILE_LEN_MAX = 4 << 20,
};

#define CHARSET "; charset=utf-8"

static const struct slice charset = {CHARSET, sizeof CHARSET - 1};
enum { TYPE_LEN_MAX = MIME_TYPE_LEN_MAX - (sizeof CHARSET - 1) }; /* a longer one is left out */

struct entry {
    struct slice extension;
    const char *type;
    unsigned line; /* how late in the file */
};

struct mime_map {
    size_t count;
    struct entry entries[];
};

static int compare_extensions(struct slice a, struct slice b) {
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int order = (unsigned char)ascii_lower(a.at[i]) - (unsigned char)ascii_lower(b.at[i]);
        if (order != 0)
            return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b) {
    const struct entry *one = a, *other = b;
    int order = compare_extensions(one->extension, other->extension);
    return order ? order : (one->line > other->line) - (one->line < other->line);
}

/* The whole file in memory that is the caller's to free; NULL: `wrong` says why. */
static char *read_file(const char *path, size_t *len, const char **wrong) {
    char *text = malloc(FILE_LEN_MAX + 1);
    FILE *file = fopen(path, "re");
    *wrong = !text ? "no memory" : strerror(errno);
    bool ok = text && file;
    if (ok) {
        *len = fread(text, 1, FILE_LEN_MAX + 1, file);
        *wrong = ferror(file) ? strerror(errno) : "over 4 MiB";
        ok = !ferror(file) && *len <= FILE_LEN_MAX;
    }
    if (file)
        fclose(file);
    if (ok)
        return text;
    free(text);
    return NULL;
}

static char *put(char **at, struct slice bytes) {
    char *first = *at;
    memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return first;
}

static bool next_pair(struct slice *text, struct slice *type, struct slice *extension) {
    while (mime_types_next(text, type, extension))
        if (type->len <= TYPE_LEN_MAX)
            return true;
    return false;
}

/* Fills the entries, in the file's order; their strings go to `at`. */
static void fill(struct mime_map *map, struct slice text, char *at) {
    struct slice type = {0}, extension;
    const char *type_at = NULL, *kept = NULL;
    while (next_pair(&text, &type, &extension)) {
        if (type.at != type_at) { /* once for all extensions of a line */
            type_at = type.at;
            kept = put(&at, type);
            if (mime_wants_charset(type))
                put(&at, charset);
            *at++ = '\0';
        }
        struct entry *entry = &map->entries[map->count];
        *entry = (struct entry){{put(&at, extension), extension.len}, kept, (unsigned)map->count};
        map->count++;
    }
}

/* Of entries with one extension the last one stays. */
static void settle(struct mime_map *map) {
    size_t kept = 0;
    qsort(map->entries, map->count, sizeof map->entries[0], compare_entries);
    for (size_t i = 0; i < map->count; i++)
        if (i + 1 == map->count || compare_extensions(map->entries[i].extension, map->entries[i + 1].extension) != 0)
            map->entries[kept++] = map->entries[i];
    map->count = kept;
}

struct mime_map *mime_map_open(const char *path, char *error, size_t error_size) {
    size_t len = 0, count = 0, string_len = 0;
    const char *wrong;
    char *text = read_file(path, &len, &wrong);
    struct slice lines = {text, len};
    struct mime_map *map = NULL;
    if (text) {
        lines = slice_from(lines, utf8_mark_len(lines));
        struct slice rest = lines, type = {0}, extension;
        for (; next_pair(&rest, &type, &extension); count++)
            string_len += type.len + charset.len + 1 + extension.len; /* at most */
        map = count > 0 ? malloc(sizeof *map + count * sizeof map->entries[0] + string_len) : NULL;
        wrong = count > 0 ? "no memory" : "no line is a type and its extensions, as in: text/html html htm";
    }
    if (map) {
        map->count = 0;
        fill(map, lines, (char *)&map->entries[count]);
        settle(map);
    } else {
        snprintf(error, error_size, "%s: %s", path, wrong);
    }
    free(text);
    return map;
}

void mime_map_close(struct mime_map *map) {
    free(map);
}

bool mime_map_knows(const struct mime_map *map, struct slice name) {
    return mime_extension(name).len > 0 && mime_map_type(map, name);
}

const char *mime_map_type(const struct mime_map *map, struct slice name) {
    struct slice extension = mime_extension(name);
    size_t first = 0, len = map && extension.len > 0 ? map->count : 0;
    while (len > 0) {
        const struct entry *middle = &map->entries[first + len / 2];
        int order = compare_extensions(extension, middle->extension);
        if (order == 0)
            return middle->type;
        if (order > 0) {
            first += len / 2 + 1;
            len -= len / 2 + 1;
        } else {
            len /= 2;
        }
    }
    return mime_type(name);
}
