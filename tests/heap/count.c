/* Preloaded into the server: counts every call to the heap, in a file that the test maps too. The C library's own
   allocator does the work, by its internal names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *at, size_t size);
extern void __libc_free(void *at);

static atomic_ulong *calls;

__attribute__((constructor)) static void count_open(void) {
    const char *path = getenv("HEAP_COUNT_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        calls = map;
    if (fd >= 0)
        close(fd);
}

static void count(void) {
    if (calls)
        atomic_fetch_add(calls, 1);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *at, size_t size) {
    count();
    return __libc_realloc(at, size);
}

void free(void *at) {
    if (at)
        count();
    __libc_free(at);
}
