/* Loaded when somebody needs it, but in a static program, which can load nothing and has crypt_r linked to it. */
#define _GNU_SOURCE
#include "site/crypt_library.h"
#include "base/check.h"

#include <stddef.h>
#include <string.h>

#ifdef HTTPD_CRYPT_OF_GLIBC

#include <stdarg.h>
#include <stdio.h>

/* What a libcrypt.a that was compiled for glibc calls and musl doesn't have: the lengths in it are right unchecked. */
void arc4random_buf(void *at, size_t len);
void __explicit_bzero_chk(void *at, size_t len, size_t room);
int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...);

void arc4random_buf(void *at, size_t len) {
    (void)at;
    (void)len;
    CHECK(!"salts are made elsewhere");
}

void __explicit_bzero_chk(void *at, size_t len, size_t room) {
    (void)room;
    explicit_bzero(at, len);
}

int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...) {
    va_list arguments;
    (void)flag;
    (void)room;
    va_start(arguments, format);
    int len = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return len;
}

#endif

#ifdef HTTPD_STATIC

struct crypt_data;
char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data); /* crypt.h is with glibc's alone */

static char *call(const char *phrase, const char *setting, void *data) {
    return crypt_r(phrase, setting, data);
}

bool crypt_library_find(struct crypt_library *library) {
    *library = (struct crypt_library){call, NULL};
    return true;
}

#else

#include <dlfcn.h>

/* The library comes first: AddressSanitizer brings a crypt of its own, which calls one that isn't there. */
bool crypt_library_find(struct crypt_library *library) {
    static const char *const names[] = {"libcrypt.so.1", "libcrypt.so.2", "libcrypt.so.1.1"};
    void *handle = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        handle = RTLD_DEFAULT;
    void *crypt_r = dlsym(handle, "crypt_r"), *crypt = dlsym(handle, "crypt");
    memcpy(&library->crypt_r, &crypt_r,
           sizeof crypt_r); /* ISO C has no cast from an object's to a function's pointer */
    memcpy(&library->crypt, &crypt, sizeof crypt);
    return crypt_r || crypt;
}

#endif
