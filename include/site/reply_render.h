/* The shapes that replies come in. Each renders one whole reply behind what the queue holds: a status line and its
   fields, then Date and, where needed, Connection, an empty line, and the content. */
#ifndef REPLY_RENDER_H
#define REPLY_RENDER_H

#include "base/clock.h"
#include "base/outq.h"
#include "protocol/range.h"
#include "protocol/request.h"
#include "site/file.h"
#include "site/site_config.h"

struct reply {
    const struct site_config *config;
    const struct clock *clock;
    const struct request *request;
    struct outq *outq;
    bool last; /* it says Connection: close */
    char *begin, *at;
    int status;         /* as rendered, */
    uint32_t head_len;  /*   and the bytes of its head */
    const char *fields; /* more of them, each with its CRLF; NULL: none */
    const char *origin; /* of those that --cors names the one that asks; NULL: none */
};

/* A small page that says the status. `extra`: fields, each with its CRLF. */
void render_page(struct reply *reply, int status, const char *extra);

/* A word of text that no cache keeps: 200 or 503. */
void render_health(struct reply *reply, int status, struct slice word);

/* 204 with Allow. */
void render_options(struct reply *reply);

/* 301 to `location`, a valid URI reference, with `query` (and its '?') behind it; 414 when both are too long. */
void render_redirect(struct reply *reply, struct slice location, struct slice query);

/* The file whole: 200. */
void render_file(struct reply *reply, struct file *file);

/* The file's content as the page of another status. */
void render_file_as(struct reply *reply, struct file *file, int status);

void render_not_modified(struct reply *reply, const struct file *file);

/* 206 with one range or with several as multipart/byteranges. */
void render_ranges(struct reply *reply, struct file *file, const struct range *ranges, int count);

/* 416 with the size. */
void render_unsatisfiable(struct reply *reply, const struct file *file);

#endif
