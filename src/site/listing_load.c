/* A folder's listing as a load: never at hand, whole, kept like a file for as long as a file is believed. */
#define _GNU_SOURCE
#include "site/file_head.h"
#include "site/file_load.h"
#include "site/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* A large page goes into a file of its own, in memory that nobody else knows of, and is sent from there like any large
   file. */
static bool keep_page(struct file_load *load, const struct listing_text *text) {
    struct file *file = load->file;
    size_t head_len = file_head_space(load->place.config), done = 0;
    file->size = text->len;
    file->kind = FILE_BODY;
    if (text->len <= FILECACHE_BODY_MAX && file_load_block(load, head_len, text->len)) {
        memcpy((char *)(uintptr_t)file->body, text->at, text->len);
        return true;
    }
    int fd = memfd_create("httpd listing", MFD_CLOEXEC);
    while (fd >= 0 && done < text->len) {
        ssize_t n = write(fd, text->at + done, text->len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (fd < 0 || done < text->len || fstat(fd, &file->st) < 0 || !file_load_block(load, head_len, 0)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    file->kind = FILE_FD;
    file->made = true;
    file->source = (struct outq_source){
        .fd = fd, .by_reference = true, .version = version_of(&file->st), .size = (uint64_t)text->len};
    return true;
}

static bool listing_work(struct load *base, bool at_hand) {
    struct file_load *load = (struct file_load *)base;
    struct listing_text text = {0};
    if (at_hand)
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
        close(fd);
    if (error == 0 && keep_page(load, &text)) {
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
    load->listing = *listing;
    load->listing.path = (struct slice){load->key + path_len - listing->path.len, listing->path.len};
    load->path_len = path_len;
}
