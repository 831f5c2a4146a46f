/* A folder's listing as a load: never at hand, whole, kept like a file for as long as a file is believed. */
#define _GNU_SOURCE
#include "base/calls.h"
#include "site/file_head.h"
#include "site/file_load.h"
#include "site/page_load.h"
#include "site/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a listing's links are followed from. */
struct link_base {
    const struct docroot *root;
    struct slice folder;
};

static int follow_link(void *context, const char *name, struct stat *st) {
    const struct link_base *base = context;
    char path[PATH_LEN_MAX + 255 + 1];
    memcpy(path, base->folder.at, base->folder.len);
    memcpy(path + base->folder.len, name, strlen(name) + 1);
    return docroot_stat(base->root, path, false, st);
}

static bool listing_work(struct load *base, enum load_effort effort) {
    struct file_load *load = (struct file_load *)base;
    struct listing_text text = {0};
    if (effort != LOAD_WAITS)
        return false;
    struct link_base links = {load->place.root, {load->key, load->path_len}};
    char folder[PATH_LEN_MAX + 1];
    memcpy(folder, load->key, load->path_len);
    folder[load->path_len] = '\0';
    load->listing.follow = follow_link;
    load->listing.follow_context = &links;
    int fd = docroot_folder(load->place.root, folder);
    int error = fd < 0 ? fd : listing_make(&load->listing, fd, &text);
    if (fd >= 0)
        calls_close(fd);
    if (error == 0 && file_load_keep(load, text.at, text.len)) {
        struct file_head head = {.type = load->listing.json ? "application/json; charset=utf-8"
                                                            : "text/html; charset=utf-8",
                                 .vary = "Accept",
                                 .hash = version_bytes(text.at, text.len),
                                 .now_seconds = load->now_seconds};
        memset(&load->file->st, 0, sizeof load->file->st); /* undated */
        file_head_render(load->place.config, load->file, &head, load->file->block);
    } else {
        file_load_fail(load, error == 0 ? 503 : error == -EFBIG ? 500 : find_status(error));
    }
    free(text.at);
    return true;
}

static const struct load_kind listing_kind = {listing_work, file_load_finish, file_load_release};

void file_load_list(struct file_load *load, const struct listing *listing, size_t path_len) {
    load->load.kind = &listing_kind;
    load->load.subtree = ~load->load.subtree; /* it looks at what is mounted in the folder, as files in it don't */
    load->listing = *listing;
    load->listing.path = (struct slice){load->key + path_len - listing->path.len, listing->path.len};
    load->path_len = path_len;
}
