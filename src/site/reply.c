/* Every reply has the same shape: a status line and its fields, then Date and, where needed, Connection, an empty line,
   and the content. A cached file brings all but Date and Connection rendered, so the usual reply is a few copies. */
#include "reply.h"
#include "check.h"
#include "conditional.h"
#include "path.h"
#include "range.h"
#include "site.h"
#include "status.h"

#include <stdio.h>

enum {
    /* Content up to here is copied behind its head, so that it leaves in one piece with it and its neighbours in a
       pipeline; above, the copy costs more than an iovec. */
    INLINE_MAX = 4096,
};

/* A reply being rendered. */
struct reply {
    struct site *site;
    const struct clock *clock;
    const struct request *request;
    struct outq *outq;
    char *at; /* where the next byte goes; OUTQ_REPLY_BYTES behind `begin` are there */
    char *begin;
    bool last;
};

static inline void put(struct reply *reply, const char *bytes, size_t len) {
    memcpy(reply->at, bytes, len);
    reply->at += len;
}

static inline void put_text(struct reply *reply, const char *text) {
    put(reply, text, strlen(text));
}

static void reply_begin(struct reply *reply) {
    size_t space;
    reply->begin = reply->at = outq_space(reply->outq, &space);
    CHECK(space >= OUTQ_REPLY_BYTES);
}

/* Ends the head. */
static inline void reply_end_head(struct reply *reply) {
    put(reply, reply->clock->date, CLOCK_DATE_LEN);
    if (reply->last)
        put(reply, "Connection: close\r\n", 19);
    else if (reply->request->minor_version == 0)
        put(reply, "Connection: keep-alive\r\n", 24);
    put(reply, "\r\n", 2);
}

static inline void reply_commit(struct reply *reply) {
    CHECK(reply->at - reply->begin <= OUTQ_REPLY_BYTES);
    outq_commit(reply->outq, (size_t)(reply->at - reply->begin));
}

void reply_release(void *owner) {
    filecache_put(owner);
}

static void put_status(struct reply *reply, int status) {
    reply->at += sprintf(reply->at, "HTTP/1.1 %d %s\r\n", status, status_reason(status));
}

/* A reply with a small page that says the status. `extra`: fields, each with its CRLF. */
static void reply_page(struct reply *reply, int status, const char *extra) {
    char page[512];
    const char *reason = status_reason(status);
    int len = snprintf(page, sizeof page,
                       "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">"
                       "<meta name=\"color-scheme\" content=\"light dark\"><title>%d %s</title>\n"
                       "<h1>%d %s</h1>\n</html>\n",
                       status, reason, status, reason);
    reply_begin(reply);
    put_status(reply, status);
    put_text(reply, extra);
    reply->at += sprintf(reply->at,
                         "Content-Length: %d\r\nContent-Type: text/html; charset=utf-8\r\n"
                         "X-Content-Type-Options: nosniff\r\n",
                         len);
    reply_end_head(reply);
    if (reply->request->method != METHOD_HEAD)
        put(reply, page, (size_t)len);
    reply_commit(reply);
}

void reply_error(struct site *site, const struct clock *clock, const struct request *request, int status,
                 struct outq *outq) {
    struct reply reply = {site, clock, request, outq, NULL, NULL, true};
    reply_page(&reply, status, "");
}

static void reply_options(struct reply *reply) {
    reply_begin(reply);
    put_text(reply, "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\n");
    reply_end_head(reply);
    reply_commit(reply);
}

/* The path's folder form, by a reference that can't name another host: it begins with one slash, because the decoded
   path has neither a leading one nor an empty segment (RFC 3986 4.2). */
static void reply_to_folder(struct reply *reply, struct slice path) {
    char location[OUTQ_REPLY_BYTES - 1024];
    const char head[] = "Location: /";
    size_t len = sizeof head - 1;
    struct slice query = reply->request->query;
    memcpy(location, head, len);
    size_t encoded = path_encode(path, location + len, sizeof location - len);
    if (encoded == 0 || len + encoded + query.len + 4 > sizeof location) {
        reply_page(reply, 414, "");
        return;
    }
    len += encoded;
    location[len++] = '/';
    memcpy(location + len, query.at, query.len);
    len += query.len;
    memcpy(location + len, "\r\n", 3);
    reply_page(reply, 301, location);
}

/* Content from the file, behind the rendered head. Takes a reference of its own if it needs one. */
static void reply_content(struct reply *reply, struct file *file, uint64_t first, uint64_t len) {
    if (reply->request->method == METHOD_HEAD || len == 0) {
        reply_commit(reply);
    } else if (file->kind == FILE_BODY && len <= INLINE_MAX) {
        put(reply, file->body + first, len);
        reply_commit(reply);
    } else {
        reply_commit(reply);
        file->refs++;
        if (file->kind == FILE_BODY)
            outq_memory(reply->outq, file->body + first, len, file);
        else
            outq_file(reply->outq, file->fd, first, len, file);
    }
}

static void reply_range(struct reply *reply, struct file *file, struct range range) {
    reply_begin(reply);
    reply->at += sprintf(
        reply->at, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %llu-%llu/%llu\r\nContent-Length: %llu\r\n",
        (unsigned long long)range.first, (unsigned long long)(range.first + range.len - 1),
        (unsigned long long)file->size, (unsigned long long)range.len);
    put(reply, file->head + file->type_at, file->head_len - file->type_at);
    reply_end_head(reply);
    reply_content(reply, file, range.first, range.len);
}

static void reply_unsatisfiable(struct reply *reply, const struct file *file) {
    char field[64];
    sprintf(field, "Content-Range: bytes */%llu\r\n", (unsigned long long)file->size);
    reply_page(reply, 416, field);
}

/* Whether the reply was one of a part. Range is defined for GET alone (RFC 9110 14.2). */
static bool reply_part(struct reply *reply, struct file *file, const struct validators *known) {
    const struct request *request = reply->request;
    struct range ranges[RANGE_COUNT_MAX];
    int count;
    if (!request_has(request, FIELD_RANGE) || request->method != METHOD_GET ||
        !conditional_range(request, known, reply->clock->seconds))
        return false;
    switch (range_parse(request->fields[FIELD_RANGE], file->size, ranges, &count)) {
    case RANGE_IGNORE:
        return false;
    case RANGE_UNSATISFIABLE:
        reply_unsatisfiable(reply, file);
        return true;
    case RANGE_SOME:
        break;
    }
    if (count > 1)
        return false;
    reply_range(reply, file, ranges[0]);
    return true;
}

static void reply_file(struct reply *reply, struct file *file) {
    struct validators known = {file->etag, file->mtime != FILE_UNDATED, file->mtime};
    int status = conditional_status(reply->request, &known, reply->clock->seconds);
    if (status == 412) {
        reply_page(reply, 412, "");
        return;
    }
    if (status == 304) {
        reply_begin(reply);
        put_text(reply, "HTTP/1.1 304 Not Modified\r\n");
        put(reply, file->head + file->rest_at, file->head_len - file->rest_at);
        reply_end_head(reply);
        reply_commit(reply);
        return;
    }
    if (reply_part(reply, file, &known))
        return;
    reply_begin(reply);
    put(reply, file->head, file->head_len);
    reply_end_head(reply);
    reply_content(reply, file, 0, file->size);
}

static void reply_get(struct reply *reply) {
    const struct request *request = reply->request;
    char decoded[PATH_LEN_MAX + 1];
    struct slice path;
    if (request->path_plain && request->path.len <= PATH_LEN_MAX) {
        path = slice_from(request->path, 1);
    } else {
        int status = path_decode(request->path, decoded, &path.len);
        path.at = decoded;
        if (status) {
            reply_page(reply, status, "");
            return;
        }
    }
    struct file *file = filecache_get(reply->site->cache, reply->clock, path);
    switch (file->kind) {
    case FILE_BODY:
    case FILE_FD:
        reply_file(reply, file);
        break;
    case FILE_FOLDER:
        reply_to_folder(reply, path);
        break;
    case FILE_ERROR:
        reply_page(reply, file->status, file->status == 503 ? "Retry-After: 1\r\n" : "");
        break;
    }
    filecache_put(file);
}

void reply_build(struct site *site, const struct clock *clock, const struct request *request, bool last,
                 struct outq *outq) {
    struct reply reply = {site, clock, request, outq, NULL, NULL, last};
    switch (request->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        reply_get(&reply);
        break;
    case METHOD_OPTIONS:
        reply_options(&reply);
        break;
    case METHOD_OTHER:
        reply_page(&reply, 405, "Allow: GET, HEAD, OPTIONS\r\n");
        break;
    case METHOD_UNKNOWN:
        reply_page(&reply, 501, "");
        break;
    }
}
