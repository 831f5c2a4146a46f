/* A mark is `<word:...>`; a `<` that begins no known word is itself. */
#include "expand.h"

#include "client.h"

#include <stdlib.h>
#include <string.h>

/* mark: "/path" or "/path coding". */
static void ask_etag(struct bytes *to, const char *mark, size_t len, int port) {
    const char *space = memchr(mark, ' ', len);
    int path_len = (int)(space ? (size_t)(space - mark) : len);
    int coding_len = space ? (int)len - path_len - 1 : 0;
    struct bytes request = {0};
    bytes_addf(&request, "GET %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", path_len, mark);
    if (space)
        bytes_addf(&request, "Accept-Encoding: %.*s\r\n", coding_len, space + 1);
    bytes_addf(&request, "\r\n");

    struct client client;
    struct reply reply;
    const char *why = NULL, *etag = NULL;
    if (client_open(&client, port, 0) == 0) {
        client_send(&client, request.at, request.len);
        if (client_reply(&client, false, &reply, &why) == 1) {
            etag = reply_field(&reply, "ETag");
            bytes_addf(to, "%s", etag ? etag : "no-etag-came");
            reply_free(&reply);
        }
        client_close(&client);
    }
    bytes_free(&request);
}

static void add_etag(struct bytes *to, const char *mark, size_t len, struct tags *tags) {
    const struct bytes wanted = {.at = strndup(mark, len), .len = len};
    size_t i = 0;
    while (i < tags->count && !bytes_equal(&tags->known[i].mark, &wanted))
        i++;
    if (i == TAGS_MAX)
        abort();
    if (i == tags->count) {
        tags->count++;
        bytes_add(&tags->known[i].mark, mark, len);
        ask_etag(&tags->known[i].value, mark, len, tags->port);
    }
    bytes_add(to, tags->known[i].value.at, tags->known[i].value.len);
    free(wanted.at);
}

void tags_free(struct tags *tags) {
    for (size_t i = 0; i < tags->count; i++) {
        bytes_free(&tags->known[i].mark);
        bytes_free(&tags->known[i].value);
    }
    tags->count = 0;
}

/* mark: "N:text". */
static void add_repeated(struct bytes *to, const char *mark, size_t len) {
    const char *colon = memchr(mark, ':', len);
    size_t text_len = len - (size_t)(colon + 1 - mark);
    for (unsigned long n = strtoul(mark, NULL, 10); n > 0; n--)
        bytes_add(to, colon + 1, text_len);
}

static void add_ranges(struct bytes *to, const char *mark) {
    unsigned long count = strtoul(mark, NULL, 10);
    for (unsigned long i = 0; i < count; i++)
        bytes_addf(to, "%s%lu-%lu", i > 0 ? "," : "", 2 * i, 2 * i);
}

static bool begins(const char *at, const char *end, const char *word) {
    size_t len = strlen(word);
    return (size_t)(end - at) > len && memcmp(at, word, len) == 0;
}

void expand(struct bytes *to, const char *text, size_t len, struct tags *tags) {
    const char *end = text + len;
    while (text < end) {
        const char *close = *text == '<' ? memchr(text, '>', (size_t)(end - text)) : NULL;
        const char *colon = close ? memchr(text, ':', (size_t)(close - text)) : NULL;
        const char *mark = colon ? colon + 1 : NULL;
        if (mark && begins(text, end, "<etag:"))
            add_etag(to, mark, (size_t)(close - mark), tags);
        else if (mark && begins(text, end, "<repeat:"))
            add_repeated(to, mark, (size_t)(close - mark));
        else if (mark && begins(text, end, "<ranges:"))
            add_ranges(to, mark);
        else
            bytes_add(to, close = text, 1);
        text = close + 1;
    }
}
