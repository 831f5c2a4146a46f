/* Finding, opening and reading a file.

   A small file is read whole and its head rendered from what was read, between two looks at its size and times: so head
   and body belong together, whoever writes the file meanwhile. A large one is sent from the descriptor that was looked
   at, whatever its name means later. */
#define _GNU_SOURCE
#include "site/file.h"
#include "base/check.h"
#include "site/file_head.h"
#include "base/hash.h"
#include "protocol/path.h"
#include "site/version.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    READ_TRIES = 4, /* a file that is being written while it is read is sent from its descriptor after so many */
    SETTLED_S = 2,  /* a file that changed within this time of being loaded is loaded again, whatever its times say */
};

static const char *const coding_suffix[CODING_COUNT] = {"", ".br", ".zst", ".gz"};

/* What a key names. */
struct found {
    int status; /* 0: a regular file or a folder */
    bool folder, indexless;
    enum content_coding coding;
    struct stat st;
    char path[PATH_LEN_MAX + NAME_MAX + 8];
    size_t plain_len; /* of path, without a coding's suffix */
};

size_t file_variant_key(char *key, size_t len, enum content_coding coding) {
    CHECK(len + 2 <= FILE_KEY_MAX);
    key[len] = '\0';
    key[len + 1] = (char)('0' + coding);
    return len + 2;
}

static int status_of(int error) {
    switch (-error) {
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    case EOVERFLOW: /* beyond what a 32-bit program can send */
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
        size_t name_len = strlen(name);
        if (name_len > NAME_MAX)
            continue;
        memcpy(found->path + len, name, name_len + 1);
        found_check(found, docroot_stat(&cache->root, found->path, &found->st));
        if (found->status != 404 && !found->folder)
            return;
    }
    found->path[len] = '\0';
    found->st = folder;
    found->folder = found->indexless = !error;
    found->status = error ? status_of(error) : 0;
}

/* The sibling of what was found: never when it is older than that. */
static void find_variant(struct filecache *cache, struct found *found) {
    struct timespec plain = found->st.st_mtim;
    if (found->status || found->folder) {
        found->status = 404;
        return;
    }
    memcpy(found->path + found->plain_len, coding_suffix[found->coding], strlen(coding_suffix[found->coding]) + 1);
    found_check(found, docroot_stat(&cache->root, found->path, &found->st));
    if (found->folder || found->st.st_mtim.tv_sec < plain.tv_sec ||
        (found->st.st_mtim.tv_sec == plain.tv_sec && found->st.st_mtim.tv_nsec < plain.tv_nsec)) {
        found->folder = false;
        found->status = 404;
    }
}

/* Not counting the host's folder, which isn't part of what was asked for. */
static bool has_dotfile(const struct site_config *config, struct slice path) {
    const char *slash = config->vhosts ? memchr(path.at, '/', path.len) : NULL;
    return path_has_dotfile(slash ? slice_from(path, (size_t)(slash + 1 - path.at)) : path);
}

static void find(struct filecache *cache, const struct file *file, struct found *found) {
    const char *key = file->key;
    size_t len = strnlen(key, file->key_len);
    found->folder = found->indexless = false;
    found->coding = len < file->key_len ? (enum content_coding)(key[len + 1] - '0') : CODING_IDENTITY;
    memset(&found->st, 0, sizeof found->st);
    memcpy(found->path, key, len + 1);
    if (!cache->config->dotfiles && has_dotfile(cache->config, (struct slice){key, len}))
        found->status = 404;
    else if (len == 0 || key[len - 1] == '/')
        find_index(cache, found, len);
    else
        found_check(found, docroot_stat(&cache->root, found->path, &found->st));
    found->plain_len = strlen(found->path);
    if (found->coding != CODING_IDENTITY)
        find_variant(cache, found);
}

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

/* When the folder that the found file lies in last changed: zero when that can't be told. */
static struct timespec folder_changed(struct filecache *cache, const struct found *found) {
    char folder[sizeof found->path];
    struct stat st = {0};
    const char *slash = strrchr(found->path, '/');
    size_t len = slash ? (size_t)(slash - found->path) : 0;
    memcpy(folder, found->path, len);
    folder[len] = '\0';
    return docroot_stat(&cache->root, folder, &st) == 0 ? st.st_ctim : (struct timespec){0};
}

/* Which precompressed siblings are there. A variant has none of its own. */
static uint8_t find_codings(struct filecache *cache, struct found *found) {
    uint8_t codings = 0;
    struct stat st;
    if (found->coding != CODING_IDENTITY)
        return 0;
    for (int coding = CODING_BR; coding < CODING_COUNT; coding++) {
        memcpy(found->path + found->plain_len, coding_suffix[coding], strlen(coding_suffix[coding]) + 1);
        if (docroot_stat(&cache->root, found->path, &st) == 0 && S_ISREG(st.st_mode))
            codings |= (uint8_t)(1 << coding);
    }
    found->path[found->plain_len] = '\0';
    return codings;
}

bool file_is_current(struct filecache *cache, struct file *file) {
    struct found found;
    find(cache, file, &found);
    if (file->kind == FILE_ERROR)
        return found.status == file->status;
    if (found.status)
        return false;
    if (found.folder)
        return file->kind == (found.indexless ? FILE_INDEXLESS : FILE_FOLDER);
    if (file->kind == FILE_FOLDER || file->kind == FILE_INDEXLESS || !same_version(&found.st, &file->st))
        return false;
    if (file->st.st_ctim.tv_sec + SETTLED_S > file->loaded_at_seconds)
        return false; /* it may have changed again within the clock's tick, or by way of a mapping */
    if (found.coding != CODING_IDENTITY)
        return true;
    struct timespec changed = folder_changed(cache, &found);
    if (same_time(changed, file->folder_changed))
        return true;
    file->folder_changed = changed;
    return find_codings(cache, &found) == file->codings;
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

static bool read_steadily(int fd, char *body, size_t space, struct stat *st) {
    for (int tries = 0; tries < READ_TRIES && (size_t)st->st_size <= space; tries++)
        if (read_whole(fd, body, st))
            return true;
    return false;
}

/* A large file's tag is of its content too, up to VERSION_WHOLE_MAX; above, of samples of it and its time. */
static uint64_t hash_large(const struct file *file) {
    uint64_t hash = file->source.content;
    return file->source.size <= VERSION_WHOLE_MAX
               ? hash
               : hash_bytes(&file->st.st_mtim.tv_sec, sizeof file->st.st_mtim.tv_sec, hash);
}

/* Puts the key behind the rendered head, which is behind the `used` bytes of the body. */
static void keep_key(struct file *file, char *at) {
    memcpy(at, file->key, file->key_len);
    at[file->key_len] = '\0';
    file->key = at;
}

static void load_regular(struct filecache *cache, struct file *file, const struct found *found, int fd,
                         int64_t now_seconds) {
    uint64_t hash;
    if ((uint64_t)file->st.st_size > SIZE_MAX / 2) {
        file->status = status_of(-EOVERFLOW);
        close(fd);
        return;
    }
    bool small = file->st.st_size <= FILECACHE_BODY_MAX;
    size_t body_space = small ? (size_t)file->st.st_size : 0, head_space = file_head_space(cache->config);
    char *block = filecache_block(cache, file, body_space + head_space + file->key_len + 1);
    if (!block || (!small && !filecache_fd_room(cache))) {
        file->status = 503;
        close(fd);
        return;
    }
    if (small && read_steadily(fd, block, body_space, &file->st)) {
        close(fd);
        file->kind = FILE_BODY;
        file->body = block;
        hash = hash_bytes(block, (size_t)file->st.st_size, 0);
    } else {
        void *map = mmap(NULL, (size_t)file->st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        file->kind = FILE_FD;
        file->source = (struct outq_source){.fd = fd,
                                            .map = map == MAP_FAILED ? NULL : map,
                                            .version = version_of(&file->st),
                                            .size = (uint64_t)file->st.st_size,
                                            .content = version_content(fd, (uint64_t)file->st.st_size)};
        cache->fd_count++;
        hash = hash_large(file);
    }
    file->size = (uint64_t)file->st.st_size;
    struct file_head head = {.path = {found->path, found->plain_len},
                             .coding = found->coding,
                             .vary = file->codings || found->coding != CODING_IDENTITY ? "Accept-Encoding" : NULL,
                             .hash = hash,
                             .now_seconds = now_seconds};
    file_head_render(cache->config, file, &head, block + body_space);
    keep_key(file, block + body_space + head_space);
}

static void load_without_content(struct filecache *cache, struct file *file) {
    char *block = filecache_block(cache, file, file->key_len + 1);
    if (block)
        keep_key(file, block);
}

void file_load(struct filecache *cache, struct file *file, int64_t now_seconds) {
    struct found found;
    file->loaded_at_seconds = now_seconds;
    find(cache, file, &found);
    file->kind = found.indexless ? FILE_INDEXLESS : found.folder ? FILE_FOLDER : FILE_ERROR;
    file->status = found.status;
    if (found.status == 0 && !found.folder) {
        if (found.coding == CODING_IDENTITY) {
            file->folder_changed = folder_changed(cache, &found);
            file->codings = find_codings(cache, &found);
        }
        int fd = docroot_file(&cache->root, found.path, &file->st);
        if (fd == -EMFILE && filecache_release_fd(cache))
            fd = docroot_file(&cache->root, found.path, &file->st);
        if (fd >= 0 && S_ISREG(file->st.st_mode)) {
            load_regular(cache, file, &found, fd, now_seconds);
            return;
        }
        if (fd >= 0)
            close(fd);
        file->status = fd < 0 ? status_of(fd) : 404; /* replaced since it was found */
    }
    load_without_content(cache, file);
}

/* Where a listing's links are followed from. */
struct link_base {
    const struct docroot *root;
    struct slice folder;
};

static int follow_link(void *context, const char *name, struct stat *st) {
    const struct link_base *base = context;
    char path[PATH_LEN_MAX + NAME_MAX + 1];
    memcpy(path, base->folder.at, base->folder.len);
    memcpy(path + base->folder.len, name, strlen(name) + 1);
    return docroot_stat(base->root, path, st);
}

void file_load_listing(struct filecache *cache, struct file *file, struct slice path, struct listing *listing,
                       int64_t now_seconds) {
    enum { WORK_SIZE = 2 << 20, RENDERED_SIZE = 2 << 20 };
    struct link_base base = {&cache->root, path};
    char folder[PATH_LEN_MAX + 1];
    size_t head_space = file_head_space(cache->config);
    file->kind = FILE_ERROR;
    file->status = 503;
    /* Head and page at the block's start, the names that are gathered and sorted at its end. */
    char *block = filecache_block(cache, file, RENDERED_SIZE + WORK_SIZE), *page = block + head_space;
    if (!block)
        return;
    memcpy(folder, path.at, path.len);
    folder[path.len] = '\0';
    listing->follow = follow_link;
    listing->follow_context = &base;
    int fd = docroot_folder(&cache->root, folder);
    ssize_t len =
        fd < 0 ? fd : listing_render(listing, fd, block + RENDERED_SIZE, WORK_SIZE, page, RENDERED_SIZE - head_space);
    if (fd >= 0)
        close(fd);
    if (len < 0) {
        file->status = status_of((int)len);
        return;
    }
    struct file_head head = {.type = listing->json ? "application/json; charset=utf-8" : "text/html; charset=utf-8",
                             .vary = "Accept",
                             .hash = hash_bytes(page, (size_t)len, 0),
                             .now_seconds = now_seconds};
    file->kind = FILE_BODY;
    file->body = page;
    file->size = (uint64_t)len;
    file_head_render(cache->config, file, &head, block);
}
