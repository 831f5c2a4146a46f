#include "content.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LAST_LEN = 1024 };

struct record {
    uint32_t version, index, count, check;
};

_Static_assert(sizeof(struct record) == CONTENT_RECORD, "records have no padding");

static uint32_t check_of(const struct record *record) {
    uint64_t mixed = ((uint64_t)record->version << 32 | record->index) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 29 ^ record->count) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(mixed >> 32);
}

void content_fill(char *at, size_t len, uint64_t first, uint32_t version, uint64_t total) {
    for (size_t done = 0; done < len; done += CONTENT_RECORD) {
        struct record record = {.version = version,
                                .index = (uint32_t)((first + done) / CONTENT_RECORD),
                                .count = (uint32_t)(total / CONTENT_RECORD)};
        record.check = check_of(&record);
        memcpy(at + done, &record, sizeof record);
    }
}

void content_begin(struct content *content, uint64_t first) {
    *content = (struct content){.first = first, .hash = 0xcbf29ce484222325u};
}

static void add_record(struct content *content, const char *at) {
    struct record record;
    memcpy(&record, at, sizeof record);
    content->hash = (content->hash ^ ((uint64_t)record.version << 32 | record.index)) * 0x100000001b3u;
    content->hash = (content->hash ^ ((uint64_t)record.count << 32 | record.check)) * 0x100000001b3u;
    if (record.check != check_of(&record) || record.index != (content->first + content->len) / CONTENT_RECORD) {
        content->broken++;
        return;
    }
    static const unsigned kept = sizeof content->versions / sizeof content->versions[0];
    if (content->runs == 0)
        content->total = (uint64_t)record.count * CONTENT_RECORD;
    if (content->runs == 0 || record.version != content->last) {
        if (content->runs < kept)
            content->versions[content->runs] = record.version;
        content->runs++;
        content->last = record.version;
    }
}

void content_add(struct content *content, const char *at, size_t len) {
    while (len > 0) {
        size_t have = content->len % CONTENT_RECORD, take = CONTENT_RECORD - have < len ? CONTENT_RECORD - have : len;
        memcpy(content->part + have, at, take);
        if (have + take == CONTENT_RECORD) {
            content->len -= have;
            add_record(content, content->part);
            have = 0;
            content->len += CONTENT_RECORD;
        } else {
            content->len += take;
        }
        at += take;
        len -= take;
    }
}

bool content_is_pure(const struct content *content) {
    return content->broken == 0 && content->runs == 1;
}

static void must(bool condition, const char *name) {
    if (condition)
        return;
    perror(name);
    exit(EXIT_FAILURE);
}

static void write_records(int fd, const char *name, uint32_t version, uint64_t first, size_t len, uint64_t total,
                          size_t step) {
    static char *space;
    static size_t space_len;
    if (len > space_len) {
        space = realloc(space, len);
        space_len = len;
        must(space != NULL, name);
    }
    content_fill(space, len, first, version, total);
    /* While one write is under way, the file's times are already those that it will have: nobody can tell then, and a
       server is excused. So what steps end with is short. */
    size_t end = step > 0 && len > LAST_LEN ? len - LAST_LEN : len;
    for (size_t done = 0, part; done < len; done += part) {
        part = step > 0 ? step : len;
        if (part > (done < end ? end : len) - done)
            part = (done < end ? end : len) - done;
        must(pwrite(fd, space + done, part, (off_t)(first + done)) == (ssize_t)part, name);
        if (step > 0)
            nanosleep(&(struct timespec){.tv_nsec = 500 * 1000}, NULL);
    }
}

static void write_file(int dir, const char *name, int flags, uint32_t version, size_t total, size_t step) {
    int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | flags, 0644);
    must(fd >= 0, name);
    write_records(fd, name, version, 0, total, total, step);
    close(fd);
}

void content_rename_over(int dir, const char *name, uint32_t version, size_t total) {
    char next[256];
    snprintf(next, sizeof next, "%s.next", name);
    write_file(dir, next, O_CREAT | O_TRUNC, version, total, 0);
    must(renameat(dir, next, dir, name) == 0, name);
}

void content_truncate(int dir, const char *name, uint32_t version, size_t total, size_t step) {
    write_file(dir, name, O_CREAT | O_TRUNC, version, total, step);
}

void content_overwrite(int dir, const char *name, uint32_t version, size_t total, size_t step) {
    write_file(dir, name, O_CREAT, version, total, step);
}

void content_write_at(int dir, const char *name, uint32_t version, uint64_t first, size_t len, uint64_t total) {
    int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    must(fd >= 0, name);
    write_records(fd, name, version, first, len, total, 0);
    close(fd);
}
