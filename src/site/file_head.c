/* In an order in which replies that take a part of the head have that in one piece or two: see struct file. */
#define _GNU_SOURCE
#include "site/file_head.h"
#include "base/check.h"
#include "base/httpdate.h"
#include "protocol/mime.h"
#include "site/mime_map.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS_SPACE = 640 }; /* of what is not the user's: short fields, the longest media type included */

size_t file_head_space(const struct site_config *config) {
    return FIELDS_SPACE + strlen(config->cache_control) + config->fields.len;
}

static char *put(char *at, const char *text) {
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

/* A time in the future can't be shown (RFC 9110 8.8.2.1), and the moment of loading in its place would be another in
   every node and after every restart. So it is folded into the time from 1987 to 2004: the same everywhere, in the
   past, and another whenever the file's is. As it has no order, only an equal date is one that the client has it by. */
static int64_t fold(int64_t mtime) {
    const int64_t span = INT64_C(1) << 29;
    return span + mtime % span;
}

/* The date to show, and by file->mtime the one to compare with. A file seen within the second of its change may change
   again in that second, so the second before is shown: whoever asks with that date gets the file and not a 304 that
   could be a lie. Times of 0 and 1 are what reproducible builds set on every file, whatever it holds: they say nothing;
   nor do times before, which many clients can't read. */
static int64_t last_modified(struct file *file, int64_t now_seconds) {
    int64_t mtime = file->st.st_mtim.tv_sec;
    file->stamped = mtime > now_seconds;
    file->mtime = file->stamped ? fold(mtime) : mtime;
    int64_t shown = mtime == now_seconds ? mtime - 1 : file->mtime;
    if (mtime <= 1 || shown >= now_seconds)
        shown = file->mtime = FILE_UNDATED;
    return shown;
}

bool file_head_is_current(const struct file *file, int64_t now_seconds) {
    int64_t mtime = file->st.st_mtim.tv_sec;
    return mtime < file->loaded_at_seconds || mtime >= now_seconds;
}

static char *put_validators(char *at, struct file *file, const struct file_head *head) {
    at = put(at, "Accept-Ranges: bytes\r\nETag: ");
    file->etag.at = at;
    at += sprintf(at, "\"%016llx-%llx\"", (unsigned long long)head->hash, (unsigned long long)file->size);
    file->etag.len = (size_t)(at - file->etag.at);
    at = put(at, "\r\n");
    int64_t date = last_modified(file, head->now_seconds);
    if (date != FILE_UNDATED) {
        at = put(at, "Last-Modified: ");
        httpdate_format(date, at);
        at = put(at + HTTPDATE_LEN, "\r\n");
    }
    return at;
}

void file_head_render(const struct site_config *config, struct file *file, const struct file_head *head, char *at) {
    static const char *const coding_names[CODING_COUNT] = {"", "br", "zstd", "gzip"};
    struct slice inner;
    enum content_coding own = mime_coding(head->path, &inner);
    const char *type = head->type ? head->type : mime_map_type(config->mime, inner);
    char *begin = at;
    if (!type)
        type = config->default_type ? config->default_type : "application/octet-stream";
    at += sprintf(at, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n", (unsigned long long)file->size);
    file->type_at = (uint16_t)(at - begin);
    at += sprintf(at, "Content-Type: %s\r\n", type);
    file->content_at = (uint16_t)(at - begin);
    bool twice = own != CODING_IDENTITY && head->coding != CODING_IDENTITY; /* a .svgz.br beside a .svgz */
    if (own != CODING_IDENTITY || head->coding != CODING_IDENTITY)
        at += sprintf(at, "Content-Encoding: %s%s%s\r\n", coding_names[own], twice ? ", " : "",
                      coding_names[head->coding]);
    at = put(at, "X-Content-Type-Options: nosniff\r\n");
    file->validators_at = (uint16_t)(at - begin);
    at = put_validators(at, file, head);
    file->common_at = (uint16_t)(at - begin);
    if (head->own_fields)
        at = put(at, head->own_fields);
    else if (config->cache_control[0])
        at += sprintf(at, "Cache-Control: %s\r\n", config->cache_control);
    if (head->vary)
        at += sprintf(at, "Vary: %s\r\n", head->vary);
    if (config->fields.len > 0 && !head->own_fields) {
        memcpy(at, config->fields.at, config->fields.len);
        at += config->fields.len;
    }
    CHECK((size_t)(at - begin) <= file_head_space(config));
    file->head = begin;
    file->head_len = (uint16_t)(at - begin);
}
