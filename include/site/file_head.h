/* The head of a 200 for a file, rendered once so that replies only copy it. */
#ifndef FILE_HEAD_H
#define FILE_HEAD_H

#include "site/file.h"
#include "site/site_config.h"

struct file_head {
    struct slice path; /* of the plain file: its extension gives the type, unless `type` does */
    const char *type;
    enum content_coding coding;
    const char *vary;       /* the field's value; NULL: none */
    const char *own_fields; /* in place of the site's: Cache-Control and the user's; NULL: those */
    uint64_t hash;          /* of the content: makes the tag */
    int64_t now_seconds;
};

/* Bytes that a rendered head may take. */
size_t file_head_space(const struct site_config *config);

/* Renders it at `at` for file->size and file->st (whose time is left out when it is 1 or less, and folded when it is in
   the future), and sets the members of `file` that describe it. */
void file_head_render(const struct site_config *config, struct file *file, const struct file_head *head, char *at);

/* False once the file's time, still to come when the head was rendered, has come: another date is due. */
bool file_head_is_current(const struct file *file, int64_t now_seconds);

#endif
