#include "fetch.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void link_close(struct link *link) {
    if (link->open)
        client_close(&link->client);
    link->open = link->used = false;
}

static int send_ask(struct link *link, const struct ask *ask) {
    char text[1024];
    int len = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                       ask->method ? ask->method : "GET", ask->path, ask->fields ? ask->fields : "");
    int error = link->open ? 0 : client_open(&link->client, link->port, link->receive_buffer);
    if (error < 0)
        return error;
    link->open = true;
    return client_send(&link->client, text, (size_t)len);
}

static void keep_field(char *to, size_t size, const struct reply *reply, const char *name) {
    snprintf(to, size, "%s", reply_field_text(reply, name));
}

static void read_head(struct answer *answer, const struct reply *reply, bool to_head) {
    const char *length = reply_field(reply, "Content-Length");
    unsigned long long first = 0;
    answer->status = reply->status;
    answer->promised = length && !to_head && reply->status != 304 ? strtoull(length, NULL, 10) : 0;
    answer->closes = strcasecmp(reply_field_text(reply, "Connection"), "close") == 0;
    keep_field(answer->etag, sizeof answer->etag, reply, "ETag");
    keep_field(answer->encoding, sizeof answer->encoding, reply, "Content-Encoding");
    keep_field(answer->range, sizeof answer->range, reply, "Content-Range");
    keep_field(answer->modified, sizeof answer->modified, reply, "Last-Modified");
    if (to_head && length)
        answer->body.total = strtoull(length, NULL, 10);
    sscanf(answer->range, "bytes %llu-", &first);
    uint64_t total = answer->body.total;
    content_begin(&answer->body, first);
    answer->body.total = total;
}

static int await_head(struct link *link, bool to_head, struct answer *answer) {
    struct reply reply;
    for (;;) {
        size_t used = 0;
        enum reply_progress progress =
            reply_parse(&reply, link->client.in.at, link->client.in.len, true, &used, &answer->why);
        if (progress == REPLY_BROKEN)
            return -EPROTO;
        if (progress == REPLY_WHOLE) {
            read_head(answer, &reply, to_head);
            bytes_drop(&link->client.in, used);
            reply_free(&reply);
            return 0;
        }
        ssize_t got = client_receive(&link->client, 4096);
        if (got <= 0) {
            answer->why = got == 0 ? "the connection ended without a whole head" : strerror((int)-got);
            return link->client.in.len == 0 && (got == 0 || got == -ECONNRESET) ? -EPIPE : -EIO;
        }
    }
}

void fetch_head(struct link *link, const struct ask *ask, struct answer *answer) {
    bool to_head = ask->method && strcmp(ask->method, "HEAD") == 0;
    int error;
    do {
        /* A connection that was kept may end instead of answering; a new one may not. */
        bool again = link->used;
        *answer = (struct answer){.sent_ms = clock_now_ms(), .why = "can't send"};
        error = send_ask(link, ask);
        if (error == 0)
            error = await_head(link, to_head, answer);
        if (error == 0)
            break;
        link_close(link);
        if (!again)
            return;
    } while (error == -EPIPE || error == -ECONNRESET);
    link->used = true;
}

void fetch_body(struct link *link, struct answer *answer, uint64_t at_most) {
    struct bytes *in = &link->client.in;
    uint64_t end = at_most < answer->promised ? at_most : answer->promised;
    if (answer->status == 0)
        return;
    for (;;) {
        size_t take = in->len < end - answer->body.len ? in->len : (size_t)(end - answer->body.len);
        content_add(&answer->body, in->at, take);
        bytes_drop(in, take);
        if (answer->body.len == end)
            break;
        if (link->pause_us > 0)
            nanosleep(&(struct timespec){.tv_nsec = link->pause_us * 1000L}, NULL);
        ssize_t got = client_receive(&link->client, link->step > 0 ? link->step : 256 * 1024);
        if (got > 0)
            continue;
        if (got < 0 && got != -ECONNRESET) {
            answer->status = 0;
            answer->why = strerror((int)-got);
        }
        answer->cut = true;
        break;
    }
    if (answer->cut || (answer->closes && answer->body.len == answer->promised))
        link_close(link);
}

void fetch(struct link *link, const struct ask *ask, struct answer *answer) {
    fetch_head(link, ask, answer);
    fetch_body(link, answer, UINT64_MAX);
}
