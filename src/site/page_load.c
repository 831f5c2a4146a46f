/* A made page takes no waiting, so its load is always at hand; being one, it is made once for all who ask meanwhile,
   and kept for as long as it is believed. A large one goes into a file of its own, in memory that nobody else knows of,
   and is sent from there like any large file. */
#define _GNU_SOURCE
#include "site/page_load.h"
#include "site/file_head.h"
#include "site/version.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool file_load_keep(struct file_load *load, const char *at, size_t len) {
    struct file *file = load->file;
    size_t head_len = file_head_space(load->place.config), done = 0;
    file->size = len;
    file->kind = FILE_BODY;
    if (len <= FILECACHE_BODY_MAX && file_load_block(load, head_len, len)) {
        memcpy((char *)(uintptr_t)file->body, at, len);
        return true;
    }
    int fd = memfd_create("httpd page", MFD_CLOEXEC);
    while (fd >= 0 && done < len) {
        ssize_t n = write(fd, at + done, len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (fd < 0 || done < len || fstat(fd, &file->st) < 0 || !file_load_block(load, head_len, 0)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    file->kind = FILE_FD;
    file->made = file->by_reference = true;
    file->source = (struct outq_source){.fd = fd, .version = version_of(&file->st), .size = (uint64_t)len};
    return true;
}

static bool page_work(struct load *base, enum load_effort effort) {
    struct file_load *load = (struct file_load *)base;
    struct text text = {0};
    struct file_head head = {.now_seconds = load->now_seconds};
    (void)effort;
    load->made->make(load->made, load->page, &text, &head.type, &head.own_fields);
    if (!text.failed && file_load_keep(load, text.at, text.len)) {
        head.hash = version_bytes(text.at, text.len);
        memset(&load->file->st, 0, sizeof load->file->st); /* undated */
        file_head_render(load->place.config, load->file, &head, load->file->block);
    } else {
        file_load_fail(load, 503);
    }
    free(text.at);
    return true;
}

static const struct load_kind page_kind = {page_work, file_load_finish, file_load_release};

void file_load_page(struct file_load *load, const struct made *made, int page) {
    load->load.kind = &page_kind;
    load->made = made;
    load->page = page;
    load->folder_known = false; /* there is none */
}
