#define _GNU_SOURCE
#include "site/crypter.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Struct crypt_data, whose size depends on the library: 32 KiB in libxcrypt, 128 KiB in the glibc of old. */
enum { CRYPT_DATA_LEN = 256 * 1024 };

/* crypt(3) has left glibc for a library of its own; musl has kept it. The library comes first: under AddressSanitizer
   the process has a crypt of its own that calls one that isn't there. */
bool crypter_open(struct crypter *crypter) {
    static const char *const names[] = {"libcrypt.so.1", "libcrypt.so.2", "libcrypt.so.1.1"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        library = RTLD_DEFAULT;
    void *crypt_r = dlsym(library, "crypt_r"), *crypt = dlsym(library, "crypt");
    memcpy(&crypter->crypt_r, &crypt_r,
           sizeof crypt_r); /* ISO C has no cast from an object's pointer to a function's */
    memcpy(&crypter->crypt, &crypt, sizeof crypt);
    pthread_mutex_init(&crypter->lock, NULL);
    return crypt_r || crypt;
}

static enum crypter_result compare(const char *made, const char *hash) {
    size_t len = strlen(hash);
    unsigned char differing = 0;
    if (!made || made[0] == '*' || strlen(made) != len)
        return CRYPTER_REFUSES;
    for (size_t i = 0; i < len; i++)
        differing |= (unsigned char)(made[i] ^ hash[i]); /* no early end: the time must not tell how far it fits */
    return differing ? CRYPTER_DIFFERS : CRYPTER_SAME;
}

enum crypter_result crypter_check(struct crypter *crypter, const char *password, const char *hash) {
    enum crypter_result result;
    if (!crypter->crypt_r) {
        pthread_mutex_lock(&crypter->lock);
        result = compare(crypter->crypt(password, hash), hash);
        pthread_mutex_unlock(&crypter->lock);
        return result;
    }
    void *data = calloc(1, CRYPT_DATA_LEN);
    if (!data)
        return CRYPTER_NO_MEMORY;
    result = compare(crypter->crypt_r(password, hash, data), hash);
    explicit_bzero(data, CRYPT_DATA_LEN); /* the password is in it */
    free(data);
    return result;
}
