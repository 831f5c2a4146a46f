/* Small files, one that is sent from its descriptor, siblings, folders, links, and names that are hard to write. */
#define _GNU_SOURCE
#include "engine_site.h"

#include "base/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char made[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void remove_all(void) {
    nftw(made, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_file(struct engine_site *site, int root, const char *name, size_t len) {
    struct site_file *file = &site->files[site->file_count++];
    CHECK(site->file_count <= SITE_FILES_MAX);
    *file = (struct site_file){.name = name, .content = malloc(len + 1), .len = len};
    CHECK(file->content);
    for (size_t i = 0; i < len; i++) /* no two places alike, nor two files */
        file->content[i] = (char)(' ' + (i * 7 + i / 89 + (size_t)site->file_count * 13) % 95);
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, file->content, len) == (ssize_t)len);
    const struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    CHECK(futimens(fd, times) == 0 && close(fd) == 0);
}

static void configure(struct engine_site *site) {
    static const char fields[] = "X-Own: yes\r\n";
    for (int i = 0; i < SITE_COUNT; i++)
        site->configs[i] =
            (struct site_config){.root = site->root, .index = {"index.html"}, .index_count = 1, .cache_control = ""};
    site->configs[1].list = site->configs[1].clean_urls = site->configs[1].dotfiles = true;
    site->configs[1].symlinks = SYMLINKS_ALL;
    site->configs[2].vhosts = true;
    site->configs[2].spa = "index.html";
    site->configs[2].not_found = "page.html";
    struct site_config *last = &site->configs[3];
    last->symlinks = SYMLINKS_NONE;
    last->cache_control = "max-age=60";
    last->fields = (struct slice){fields, sizeof fields - 1};
    last->redirects[0] = (struct redirect){SLICE("/old"), SLICE("/small.txt"), false, false};
    last->redirects[1] = (struct redirect){SLICE("/moved/"), SLICE("/folder/"), true, true};
    last->redirects[2] = (struct redirect){SLICE("/away/"), SLICE("https://example.com/?a"), true, false};
    last->redirect_count = 3;
}

void engine_site_make(struct engine_site *site) {
    static const char *const folders[] = {"folder", "folder/sub", "folder/deep", "_", "site.example", "\303\244"};
    static char long_name[256];
    memset(long_name, 'l', 255);
    strcpy(site->root, "/tmp/fuzz_engine.XXXXXX");
    CHECK(mkdtemp(site->root));
    strcpy(made, site->root);
    atexit(remove_all);
    int root = open(site->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(root >= 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        CHECK(mkdirat(root, folders[i], 0755) == 0);
    make_file(site, root, "index.html", 300);
    make_file(site, root, "small.txt", 1000);
    make_file(site, root, "medium.txt", 20000);
    make_file(site, root, "big.bin", 128 * 1024 + 1500);
    make_file(site, root, "empty.txt", 0);
    make_file(site, root, "page.html", 700);
    make_file(site, root, "page.html.br", 90);
    make_file(site, root, "page.html.zst", 91);
    make_file(site, root, "page.html.gz", 5000);
    make_file(site, root, "about.html", 64);
    make_file(site, root, "404.html", 128);
    make_file(site, root, ".hidden", 10);
    make_file(site, root, "folder/a.txt", 1);
    make_file(site, root, "folder/b c&<>\".txt", 2);
    make_file(site, root, "folder/\377.txt", 3);
    make_file(site, root, "folder/sub/index.html", 33);
    make_file(site, root, "_/index.html", 44);
    make_file(site, root, "site.example/index.html", 55);
    make_file(site, root, "\303\244/index.html", 66);
    make_file(site, root, long_name, 77);
    CHECK(symlinkat("small.txt", root, "link.txt") == 0 && symlinkat("/etc", root, "outside") == 0);
    CHECK(symlinkat("loop", root, "loop") == 0 && mkfifoat(root, "fifo", 0644) == 0);
    close(root);
    configure(site);
}
