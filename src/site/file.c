/* Finding, opening and reading a file, and rendering what every reply with it shares.

   A small file is read whole and its head rendered from what was read, between two looks at its size and times: so head
   and body belong together, whoever writes the file meanwhile. A large one is sent from the descriptor that was looked
   at, whatever its name means later. */
#define _GNU_SOURCE
#include "file.h"
#include "check.h"
#include "hash.h"
#include "httpdate.h"
#include "mime.h"
#include "path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_SPACE = 640, /* of a rendered head: its fields are short and bounded, the longest media type included */
    READ_TRIES = 4,   /* a file that is being written while it is read is sent from its descriptor after so many */
    SAMPLE_LEN = 64 * 1024,
};

/* What a path names. */
struct found {
    int status; /* 0: a regular file or a folder without its slash */
    bool folder;
    struct stat st;
    char path[PATH_LEN_MAX + NAME_MAX + 2];
};

static int status_of(int error) {
    switch (-error) {
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    case EIO:
    case ESTALE:
        return 500;
    default: /* not there, or a name or link that can't lead anywhere beneath the root */
        return 404;
    }
}

static void found_check(struct found *found, int error) {
    found->folder = !error && S_ISDIR(found->st.st_mode);
    found->status = error ? status_of(error) : found->folder || S_ISREG(found->st.st_mode) ? 0 : 403;
}

/* A folder is answered by the first of its index files that is there. */
static void find_index(struct filecache *cache, struct found *found, size_t len) {
    struct stat folder;
    int error = docroot_stat(&cache->root, found->path, &folder);
    for (int i = 0; !error && i < cache->config->index_count; i++) {
        const char *name = cache->config->index[i];
        if (strlen(name) > sizeof found->path - 1 - len)
            continue;
        strcpy(found->path + len, name);
        found_check(found, docroot_stat(&cache->root, found->path, &found->st));
        if (found->status != 404 && !found->folder)
            return;
    }
    found->path[len] = '\0';
    found->folder = false;
    found->st = folder;
    found->status = error ? status_of(error) : 403;
}

static void find(struct filecache *cache, const char *key, size_t len, struct found *found) {
    memset(&found->st, 0, sizeof found->st);
    memcpy(found->path, key, len + 1);
    if (path_has_dotfile((struct slice){key, len})) {
        found->folder = false;
        found->status = 404;
    } else if (len == 0 || key[len - 1] == '/') {
        find_index(cache, found, len);
    } else {
        found_check(found, docroot_stat(&cache->root, found->path, &found->st));
    }
}

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

bool file_is_current(struct filecache *cache, const struct file *file) {
    struct found found;
    find(cache, file->key, file->key_len, &found);
    if (file->kind == FILE_ERROR)
        return found.status == file->status;
    if (found.status || found.folder != (file->kind == FILE_FOLDER))
        return false;
    return found.folder || same_version(&found.st, &file->st);
}

/* Reads the whole file into `body`. True when it was the same before and after; *st is as it was after. */
static bool read_whole(int fd, char *body, struct stat *st) {
    struct stat before = *st;
    uint64_t done = 0;
    while (done < (uint64_t)before.st_size) {
        ssize_t n = pread(fd, body + done, (size_t)((uint64_t)before.st_size - done), (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (uint64_t)n;
    }
    return fstat(fd, st) == 0 && same_version(&before, st) && done == (uint64_t)before.st_size;
}

/* A large file's tag rests on its size, its time, and samples of its content. */
static uint64_t hash_samples(int fd, const struct stat *st) {
    char sample[SAMPLE_LEN / 4];
    uint64_t hash = hash_bytes(&st->st_mtim.tv_sec, sizeof st->st_mtim.tv_sec, 0);
    for (int i = 0; i < 5; i++) {
        off_t first = (st->st_size - (off_t)sizeof sample) / 4 * i;
        ssize_t n = pread(fd, sample, sizeof sample, first);
        hash = hash_bytes(sample, n > 0 ? (size_t)n : 0, hash);
    }
    return hash;
}

/* The date to show. A file seen within the second of its change may change again in that second, so it is given the
   second before: whoever asks with that date later gets the file and not a 304 that could be a lie. Times of 0 and 1
   are what reproducible builds set on every file, whatever it holds: they say nothing. */
static int64_t last_modified(const struct stat *st, int64_t now_seconds) {
    int64_t mtime = st->st_mtim.tv_sec;
    if (mtime == 0 || mtime == 1)
        return FILE_UNDATED;
    return mtime < now_seconds ? mtime : now_seconds - 1;
}

/* Renders the head of a 200 behind what the block holds so far, and the key behind it. */
static void render_head(struct file *file, const char *path, uint64_t hash, int64_t now_seconds, char *at) {
    char date[HTTPDATE_LEN + 1] = {0};
    struct slice name = slice_of(path);
    int len = sprintf(at, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n", (unsigned long long)file->size);
    file->head = at;
    file->type_at = (uint16_t)len;
    len += sprintf(at + len, "Content-Type: %s\r\nAccept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n",
                   mime_type(name));
    file->rest_at = (uint16_t)len;
    file->mtime = last_modified(&file->st, now_seconds);
    httpdate_format(file->mtime, date);
    len += sprintf(at + len, "ETag: ");
    file->etag.at = at + len;
    len += sprintf(at + len, "\"%016llx-%llx\"", (unsigned long long)hash, (unsigned long long)file->size);
    file->etag.len = (size_t)(at + len - file->etag.at);
    if (file->mtime != FILE_UNDATED)
        len += sprintf(at + len, "\r\nLast-Modified: %s", date);
    len += sprintf(at + len, "\r\nCache-Control: no-cache\r\n");
    CHECK(len < HEAD_SPACE);
    file->head_len = (uint16_t)len;
}

static void load_regular(struct filecache *cache, struct file *file, const char *path, int fd, int64_t now_seconds) {
    uint64_t hash;
    bool whole = file->st.st_size <= FILECACHE_BODY_MAX;
    size_t body_space = whole ? (size_t)file->st.st_size : 0;
    char *block = filecache_block(cache, file, body_space + HEAD_SPACE + file->key_len + 1);
    if (!block || (!whole && !filecache_fd_room(cache))) {
        file->status = 503;
        close(fd);
        return;
    }
    if (whole) {
        int tries = 1;
        while (!read_whole(fd, block, &file->st) && tries < READ_TRIES && (size_t)file->st.st_size <= body_space)
            tries++;
        whole = tries < READ_TRIES && (size_t)file->st.st_size <= body_space;
    }
    if (whole) {
        close(fd);
        file->kind = FILE_BODY;
        file->body = block;
        hash = hash_bytes(block, (size_t)file->st.st_size, 0);
    } else {
        file->kind = FILE_FD;
        file->fd = fd;
        cache->fd_count++;
        hash = hash_samples(fd, &file->st);
    }
    file->size = (uint64_t)file->st.st_size;
    render_head(file, path, hash, now_seconds, block + body_space);
    char *key = block + body_space + HEAD_SPACE;
    memcpy(key, file->key, file->key_len + 1);
    file->key = key;
}

static void load_without_content(struct filecache *cache, struct file *file) {
    char *block = filecache_block(cache, file, file->key_len + 1);
    if (block)
        file->key = memcpy(block, file->key, file->key_len + 1);
}

void file_load(struct filecache *cache, struct file *file, int64_t now_seconds) {
    struct found found;
    find(cache, file->key, file->key_len, &found);
    file->kind = found.folder ? FILE_FOLDER : FILE_ERROR;
    file->status = found.status;
    if (found.status == 0 && !found.folder) {
        int fd = docroot_file(&cache->root, found.path, &file->st);
        if (fd >= 0 && S_ISREG(file->st.st_mode)) {
            load_regular(cache, file, found.path, fd, now_seconds);
            return;
        }
        if (fd >= 0)
            close(fd);
        file->status = fd < 0 ? status_of(fd) : 404; /* replaced since it was found */
    }
    load_without_content(cache, file);
}
