/* What is due is known by the reference reader alone; of files that are sent, what is in them is known. */
#define _GNU_SOURCE
#include "engine_judge.h"

#include "base/check.h"
#include "reference.h"

#include <stdio.h>
#include <string.h>

int engine_judge_due(const struct engine_judge *judge, struct slice stream, struct due *due) {
    int count = 0;
    size_t at = 0;
    bool stop = false;
    while (at < stream.len && !stop && count < REPLIES_MAX) {
        struct reference head;
        struct reference_body body = {0, 0};
        reference_head(stream.at + at, stream.len - at, judge->limits->head_max, &head);
        if (head.status == REQUEST_INCOMPLETE)
            break;
        if (head.status == 0 && head.body != BODY_NONE) {
            if (head.expect_continue || (head.body == BODY_LENGTH && head.body_len > BODY_DISCARD_MAX))
                body.status = 413;
            else
                body = reference_body(head.body, head.body_len, stream.at + at + head.used, stream.len - at - head.used,
                                      0);
            if (body.status == REQUEST_INCOMPLETE)
                break;
        }
        stop = head.status || body.status || !head.keep_alive ||
               (judge->limits->max_requests && (unsigned)count + 1 >= judge->limits->max_requests);
        due[count++] = (struct due){head.status          ? head.status
                                    : body.status == 400 ? 400
                                                         : 0,
                                    head.method == METHOD_HEAD,
                                    stop,
                                    head.method,
                                    head.path,
                                    head.values[FIELD_ORIGIN]};
        at += head.used + body.used;
    }
    return count;
}

static bool one_of(int status, const int *list) {
    while (*list && *list != status)
        list++;
    return *list != 0;
}

static const struct site_file *file_tagged(const struct engine_site *site, struct slice etag) {
    for (int i = 0; i < site->file_count; i++)
        if (slice_equal(etag, slice_of(site->files[i].etag)))
            return &site->files[i];
    return NULL;
}

/* "bytes FIRST-LAST/SIZE" at the start of `text`, and that these are the file's bytes at `content`. */
static size_t check_part(const struct site_file *file, const char *text, const char *content, size_t content_len) {
    unsigned long long first, last, size;
    char line[64]; /* sscanf looks for the end of all the text first */
    snprintf(line, sizeof line, "%.*s", (int)(content - text < 63 ? content - text : 63), text);
    CHECK(sscanf(line, "bytes %llu-%llu/%llu", &first, &last, &size) == 3);
    CHECK(size == file->len && first <= last && last < size && last - first < content_len);
    CHECK(memcmp(content, file->content + first, last - first + 1) == 0);
    return last - first + 1;
}

static void check_multipart(const struct site_file *file, struct slice type, struct slice body) {
    static const char name[] = "Content-Range: ";
    const char *boundary = memmem(type.at, type.len, "boundary=", 9);
    CHECK(boundary);
    struct slice mark = slice_from(type, (size_t)(boundary + 9 - type.at)), rest = body;
    for (int parts = 0;; parts++) {
        CHECK(rest.len >= mark.len + 8 && memcmp(rest.at, "\r\n--", 4) == 0);
        CHECK(memcmp(rest.at + 4, mark.at, mark.len) == 0);
        rest = slice_from(rest, 4 + mark.len);
        if (rest.len == 4) {
            CHECK(memcmp(rest.at, "--\r\n", 4) == 0 && parts >= 2 && parts <= RANGE_COUNT_MAX);
            return;
        }
        const char *range = memmem(rest.at, rest.len, name, sizeof name - 1);
        const char *end = memmem(rest.at, rest.len, "\r\n\r\n", 4);
        CHECK(memcmp(rest.at, "\r\nContent-Type: ", 16) == 0 && range && end && range < end);
        rest = slice_from(rest, (size_t)(end + 4 - rest.at));
        rest = slice_from(rest, check_part(file, range + sizeof name - 1, rest.at, rest.len));
    }
}

static void check_content(const struct engine_judge *judge, const struct reply *reply, const struct due *due) {
    struct slice etag, value, type;
    if ((reply->status != 200 && reply->status != 206) || !reply_field(reply, "ETag", &etag))
        return;
    CHECK(reply_field(reply, "Content-Type", &type));
    const struct site_file *file = file_tagged(judge->site, etag),
                           *named = engine_site_named(judge->site, judge->which, due->path);
    CHECK(!named || (file && strncmp(file->name, named->name, strlen(named->name)) == 0));
    if (!file) /* a listing */
        return;
    if (reply->status == 200) {
        CHECK(reply->content_len == file->len);
        CHECK(due->head || memcmp(reply->body.at, file->content, file->len) == 0);
    } else if (reply_field(reply, "Content-Range", &value)) {
        CHECK(check_part(file, value.at, reply->body.at, reply->body.len) == reply->body.len);
    } else {
        check_multipart(file, type, reply->body);
    }
}

/* One that is named may read, and nobody else. */
static void check_origin(const struct reply *reply, const struct due *due, const struct site_config *config) {
    struct slice allowed;
    bool named = false;
    if (!reply_field(reply, "Access-Control-Allow-Origin", &allowed))
        return;
    for (int i = 0; i < config->cors_count; i++)
        named |= slice_equal(allowed, slice_of(config->cors[i]));
    CHECK(named && slice_equal(allowed, due->origin));
}

static void check_reply(const struct engine_judge *judge, const struct reply *reply, const struct due *due) {
    static const int possible[] = {200, 206, 301, 304, 400, 403, 404, 412, 414, 416, 0};
    const struct site_config *config = &judge->site->configs[judge->which];
    bool health = config->health.len > 0 && slice_equal(due->path, SLICE("/health"));
    check_origin(reply, due, config);
    if (due->status)
        CHECK(reply->status == due->status && reply->close);
    else if (health && due->method <= METHOD_HEAD)
        CHECK(reply->status == (judge->leaving ? 503 : 200));
    else if (reply->status == 429)
        CHECK(judge->limited);
    else if (due->method == METHOD_GET || due->method == METHOD_HEAD)
        CHECK(one_of(reply->status, possible) && (due->method == METHOD_GET || reply->status != 206));
    else
        CHECK(reply->status == (due->method == METHOD_OPTIONS ? 204 : due->method == METHOD_OTHER ? 405 : 501));
    check_content(judge, reply, due);
}

int engine_judge_replies(const struct engine_judge *judge, struct slice sent, const struct trouble *trouble,
                         const struct due *due, int due_count, struct reply *replies) {
    struct slice rest = sent;
    int count = 0;
    bool closed = false;
    while (rest.len > 0) {
        size_t used;
        /* A request that never was whole. */
        bool unasked = trouble->timed_out && memcmp(rest.at, "HTTP/1.1 408", rest.len < 12 ? rest.len : 12) == 0;
        CHECK(!closed && (unasked || count < due_count));
        if (reply_read(rest, !unasked && due[count].head, &replies[count], &used) == REPLY_PARTIAL) {
            CHECK(trouble->cut || trouble->timed_out);
            return count;
        }
        rest = slice_from(rest, used);
        closed = replies[count].close;
        if (unasked || (trouble->timed_out && replies[count].status == 503 && closed)) { /* or was never loaded */
            CHECK(closed && rest.len == 0);
            return count;
        }
        if (!trouble->reloaded || due[count].status)
            check_reply(judge, &replies[count], &due[count]);
        CHECK(closed || !due[count].stop);
        CHECK(!closed || due[count].stop || trouble->closing || replies[count].status == 400 ||
              replies[count].status == 414);
        count++;
    }
    CHECK(count == due_count || closed || trouble->cut || trouble->timed_out || trouble->closing);
    return count;
}
