/* A cached file brings all of its head but Date and Connection rendered, so the usual reply is a few copies. */
#include "site/reply_render.h"
#include "base/check.h"
#include "base/hash.h"
#include "protocol/status.h"
#include "site/filecache.h"

#include <stdio.h>

enum {
    /* Content up to here is copied behind its head, so that it leaves in one piece with it and its neighbours in a
       pipeline; above, the copy costs more than an iovec. */
    INLINE_MAX = 4096,
    LOCATION_MAX = 4096,
    BOUNDARY_LEN = 24,
};

typedef unsigned long long ull;

static inline void put(struct reply *reply, const char *bytes, size_t len) {
    if (len > 0) /* `bytes` may be NULL */
        memcpy(reply->at, bytes, len);
    reply->at += len;
}

static inline void put_text(struct reply *reply, const char *text) {
    put(reply, text, strlen(text));
}

static inline size_t go_on(struct reply *reply) {
    size_t space;
    reply->begin = reply->at = outq_space(reply->outq, &space);
    return space;
}

static inline void begin(struct reply *reply) {
    CHECK(go_on(reply) >= OUTQ_REPLY_BYTES);
}

/* What is told to one origin alone, with credentials (Fetch 3.3.3): '*' would not do, and caches must tell them apart,
   also when the request has no Origin. */
static void put_cors(struct reply *reply) {
    put_text(reply, "Vary: Origin\r\n");
    if (reply->origin)
        reply->at += sprintf(reply->at, "Access-Control-Allow-Origin: %s\r\nAccess-Control-Allow-Credentials: true\r\n",
                             reply->origin);
}

static inline void end_head(struct reply *reply) {
    put(reply, reply->clock->date, CLOCK_DATE_LEN);
    if (reply->fields)
        put_text(reply, reply->fields);
    if (reply->config->cors_count > 0)
        put_cors(reply);
    if (reply->last)
        put(reply, "Connection: close\r\n", 19);
    else if (reply->request->minor_version == 0)
        put(reply, "Connection: keep-alive\r\n", 24);
    put(reply, "\r\n", 2);
    reply->head_len = (uint32_t)(reply->at - reply->begin);
}

static inline void commit(struct reply *reply) {
    CHECK(reply->at - reply->begin <= OUTQ_REPLY_BYTES);
    outq_commit(reply->outq, (size_t)(reply->at - reply->begin));
}

static void put_user_fields(struct reply *reply) {
    if (reply->config->fields.len > 0)
        put(reply, reply->config->fields.at, reply->config->fields.len);
}

static void put_status(struct reply *reply, int status) {
    reply->status = status;
    reply->at += sprintf(reply->at, "HTTP/1.1 %d %s\r\n", status, status_reason(status));
}

static inline void put_head(struct reply *reply, const struct file *file, size_t first, size_t end) {
    put(reply, file->head + first, end - first);
}

void render_page(struct reply *reply, int status, const char *extra) {
    char page[512];
    const char *reason = status_reason(status);
    int len = snprintf(page, sizeof page,
                       "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">"
                       "<meta name=\"color-scheme\" content=\"light dark\"><title>%d %s</title>\n"
                       "<h1>%d %s</h1>\n</html>\n",
                       status, reason, status, reason);
    begin(reply);
    put_status(reply, status);
    put_text(reply, extra);
    reply->at += sprintf(reply->at,
                         "Content-Length: %d\r\nContent-Type: text/html; charset=utf-8\r\n"
                         "X-Content-Type-Options: nosniff\r\n",
                         len);
    put_user_fields(reply);
    end_head(reply);
    if (reply->request->method != METHOD_HEAD)
        put(reply, page, (size_t)len);
    commit(reply);
}

void render_health(struct reply *reply, int status, struct slice word) {
    begin(reply);
    put_status(reply, status);
    reply->at += sprintf(reply->at,
                         "Cache-Control: no-store\r\nContent-Length: %zu\r\nContent-Type: text/plain; charset=utf-8\r\n"
                         "X-Content-Type-Options: nosniff\r\n",
                         word.len);
    put_user_fields(reply);
    end_head(reply);
    if (reply->request->method != METHOD_HEAD)
        put(reply, word.at, word.len);
    commit(reply);
}

void render_options(struct reply *reply) {
    begin(reply);
    reply->status = 204;
    put_text(reply, "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\n");
    put_user_fields(reply);
    end_head(reply);
    commit(reply);
}

void render_redirect(struct reply *reply, struct slice location, struct slice query) {
    char field[LOCATION_MAX + 16] = "Location: ";
    size_t len = strlen(field);
    if (location.len + query.len > LOCATION_MAX) {
        render_page(reply, 414, "");
        return;
    }
    memcpy(field + len, location.at, location.len);
    len += location.len;
    if (query.len > 0)
        memcpy(field + len, query.at, query.len);
    len += query.len;
    memcpy(field + len, "\r\n", 3);
    render_page(reply, 301, field);
}

/* Content from the file as a piece of its own, which takes a reference. */
static void add_content(struct reply *reply, struct file *file, uint64_t first, uint64_t len) {
    filecache_ref(file);
    if (file->kind == FILE_BODY)
        outq_memory(reply->outq, file->body + first, len, file);
    else
        outq_file(reply->outq, &file->source, file->by_reference, first, len, file);
}

/* Ends a reply whose head is rendered with content from the file. */
static void end_with_content(struct reply *reply, struct file *file, uint64_t first, uint64_t len) {
    bool none = reply->request->method == METHOD_HEAD || len == 0;
    bool copied = file->kind == FILE_BODY && len <= INLINE_MAX;
    if (!none && copied)
        put(reply, file->body + first, len);
    commit(reply);
    if (!none && !copied)
        add_content(reply, file, first, len);
}

void render_file(struct reply *reply, struct file *file) {
    begin(reply);
    reply->status = 200;
    put_head(reply, file, 0, file->head_len);
    end_head(reply);
    end_with_content(reply, file, 0, file->size);
}

void render_file_as(struct reply *reply, struct file *file, int status) {
    begin(reply);
    put_status(reply, status);
    reply->at += sprintf(reply->at, "Content-Length: %llu\r\n", (ull)file->size);
    put_head(reply, file, file->type_at, file->validators_at);
    put_head(reply, file, file->common_at, file->head_len);
    end_head(reply);
    end_with_content(reply, file, 0, file->size);
}

void render_not_modified(struct reply *reply, const struct file *file) {
    begin(reply);
    reply->status = 304;
    put_text(reply, "HTTP/1.1 304 Not Modified\r\n");
    put_head(reply, file, file->validators_at, file->head_len);
    end_head(reply);
    commit(reply);
}

static void render_range(struct reply *reply, struct file *file, struct range range) {
    begin(reply);
    put_status(reply, 206);
    reply->at += sprintf(reply->at, "Content-Range: bytes %llu-%llu/%llu\r\nContent-Length: %llu\r\n", (ull)range.first,
                         (ull)(range.first + range.len - 1), (ull)file->size, (ull)range.len);
    put_head(reply, file, file->type_at, file->head_len);
    end_head(reply);
    end_with_content(reply, file, range.first, range.len);
}

/* The head of one part (RFC 9110 14.6), with the line end that ends the part before. */
static int print_part(char *at, size_t size, const struct file *file, const char *boundary, const struct range *range) {
    return snprintf(at, size, "\r\n--%s\r\n%.*sContent-Range: bytes %llu-%llu/%llu\r\n\r\n", boundary,
                    file->content_at - file->type_at, file->head + file->type_at, (ull)range->first,
                    (ull)(range->first + range->len - 1), (ull)file->size);
}

static void render_multipart(struct reply *reply, struct file *file, const struct range *ranges, int count) {
    char boundary[BOUNDARY_LEN + 1];
    uint64_t tag = hash_bytes(file->etag.at, file->etag.len, 0), total = BOUNDARY_LEN + 8;
    snprintf(boundary, sizeof boundary, "%016llx%08x", (ull)tag, (unsigned)(tag * 0x9e3779b9u));
    for (int i = 0; i < count; i++)
        total += (uint64_t)print_part(NULL, 0, file, boundary, &ranges[i]) + ranges[i].len;
    begin(reply);
    put_status(reply, 206);
    reply->at += sprintf(reply->at, "Content-Length: %llu\r\nContent-Type: multipart/byteranges; boundary=%s\r\n",
                         (ull)total, boundary);
    put_head(reply, file, file->content_at, file->head_len);
    end_head(reply);
    char *end = reply->begin + OUTQ_REPLY_BYTES;
    for (int i = 0; i < count; i++) {
        int len = print_part(reply->at, (size_t)(end - reply->at), file, boundary, &ranges[i]);
        CHECK(len < end - reply->at - BOUNDARY_LEN - 16);
        reply->at += len;
        commit(reply);
        add_content(reply, file, ranges[i].first, ranges[i].len);
        go_on(reply);
    }
    reply->at += sprintf(reply->at, "\r\n--%s--\r\n", boundary);
    commit(reply);
}

void render_ranges(struct reply *reply, struct file *file, const struct range *ranges, int count) {
    if (count == 1)
        render_range(reply, file, ranges[0]);
    else
        render_multipart(reply, file, ranges, count);
}

void render_unsatisfiable(struct reply *reply, const struct file *file) {
    char field[64];
    snprintf(field, sizeof field, "Content-Range: bytes */%llu\r\n", (ull)file->size);
    render_page(reply, 416, field);
}
