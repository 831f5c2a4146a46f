/* Small files, one that is sent from its descriptor, siblings, folders, links, and names that are hard to write; and,
   so that an output queue fills up after few requests, heads that are as long as the options let them be. */
#define _GNU_SOURCE
#include "engine_site.h"

#include "base/check.h"
#include "site/mime_map.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char made_root[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void remove_all(void) {
    nftw(made_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
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

/* A folder whose listing is sent from a descriptor. */
static void make_many(int root) {
    CHECK(mkdirat(root, "many", 0755) == 0);
    int folder = openat(root, "many", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(folder >= 0);
    for (int i = 0; i < 48; i++) {
        char name[256];
        memset(name, '&', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        name[0] = (char)('A' + i);
        int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    close(folder);
}

/* Pages "made/0" to "made/3": small, as long as is copied behind a head, one byte more, and one for a descriptor. */
static int page_find(const struct made *made, const struct request *request, const struct asker *asker,
                     struct slice rest) {
    (void)made, (void)request, (void)asker;
    return rest.len == 2 && rest.at[0] == '/' && rest.at[1] >= '0' && rest.at[1] <= '3' ? rest.at[1] - '0' : MADE_NONE;
}

static void page_make(const struct made *made, int page, struct text *text, const char **type, const char **fields) {
    static const int lens[] = {100, 4096, 4097, 40000};
    (void)made;
    for (int i = 0; i < lens[page]; i++)
        text_put(text, &"0123456789abcdefghijklmnopqrstuvwxyz_"[(i + page) % 37], 1);
    *type = "text/x-made";
    *fields = "Cache-Control: no-store\r\nX-Made: yes\r\n";
}

/* All that goes into a reply's head, as long as config.c lets it be. */
static void configure_most(struct site_config *config) {
    static char fields[FIELDS_MAX], cache_control[256], type[MIME_TYPE_LEN_MAX + 1], origin[CORS_ORIGIN_LEN_MAX + 1];
    static char away[4096];
    memset(fields, 'f', sizeof fields);
    memcpy(fields, "X-Own: ", 7);
    memcpy(fields + sizeof fields - 2, "\r\n", 2);
    memset(cache_control, 'c', sizeof cache_control - 1);
    memset(type, 't', sizeof type - 1);
    type[1] = '/';
    memset(origin, 'o', sizeof origin - 1);
    memcpy(origin, "http://", 7);
    strcpy(away, "https://example.com/");
    memset(away + strlen(away), 'a', 4000 - strlen(away));
    config->fields = (struct slice){fields, sizeof fields};
    config->cache_control = cache_control;
    config->default_type = type;
    config->cors[0] = "http://a";
    config->cors[1] = origin;
    config->cors_count = 2;
    config->redirects[0] = (struct redirect){SLICE("/away/"), {away, 4000}, true, true};
    config->redirect_count = 1;
}

static void configure_more(struct engine_site *site) {
    static const struct made pages = {{"made", 4}, page_find, page_make};
    struct site_config *configs = site->configs;
    configs[4].list = configs[4].dotfiles = true;
    configs[5].list = true;
    configs[5].spa = "index.html";
    configs[5].health = SLICE("/health");
    configs[5].cors[0] = "http://a";
    configs[5].cors_count = 1;
    site->made[5] = &pages;
    configs[6].vhosts = configs[6].list = configs[6].clean_urls = true;
    configs[7].spa = "page.html";
    for (int i = 4; i < SITE_COUNT; i++)
        if (i != 5)
            configure_most(&configs[i]);
}

struct slice engine_site_ask(const struct site_file *file, char *request, size_t size) {
    size_t len = (size_t)snprintf(request, size, "GET /");
    for (const char *c = file->name; *c; c++)
        len += (size_t)snprintf(request + len, size - len, *c == '/' ? "/" : "%%%02x", (unsigned char)*c);
    len += (size_t)snprintf(request + len, size - len, "?x HTTP/1.0\r\n\r\n");
    CHECK(len < size);
    return (struct slice){request, len};
}

const struct site_file *engine_site_named(const struct engine_site *site, int which, struct slice path) {
    if ((which != 0 && which != 3 && which != 4 && which != 5 && which != 7) || path.len < 2 || path.at[1] == '.')
        return NULL;
    for (int i = 0; i < site->file_count; i++)
        if (slice_equal(slice_from(path, 1), slice_of(site->files[i].name)))
            return &site->files[i];
    return NULL;
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
    configure_more(site);
}

void engine_site_make(struct engine_site *site) {
    static const char *const folders[] = {"folder", "folder/sub", "folder/deep", "_", "site.example", "\303\244"};
    static char long_name[256];
    memset(long_name, 'l', 255);
    strcpy(site->root, "/tmp/fuzz_engine.XXXXXX");
    CHECK(mkdtemp(site->root));
    strcpy(made_root, site->root);
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
    make_file(site, root, "copied.odd", 4096);
    make_file(site, root, "owned.odd", 4097);
    make_file(site, root, "large.odd", 40000);
    make_many(root);
    CHECK(symlinkat("small.txt", root, "link.txt") == 0 && symlinkat("/etc", root, "outside") == 0);
    CHECK(symlinkat("loop", root, "loop") == 0 && mkfifoat(root, "fifo", 0644) == 0);
    close(root);
    configure(site);
}
