/* Where crypt(3) is to be had: it has left glibc for a library of its own, which few systems lack but nobody links. */
#ifndef CRYPT_LIBRARY_H
#define CRYPT_LIBRARY_H

#include <stdbool.h>

/* As in crypt(3), with zeroed data for the struct crypt_data, of at least CRYPT_DATA_LEN bytes. */
typedef char *crypt_function(const char *phrase, const char *setting);
typedef char *crypt_r_function(const char *phrase, const char *setting, void *data);

enum {
    /* Its size depends on the library: 32 KiB in libxcrypt, 128 KiB in the glibc of old. */
    CRYPT_DATA_LEN = 256 * 1024,
};

struct crypt_library {
    crypt_r_function *crypt_r; /* or, where there is none: */
    crypt_function *crypt;
};

/* False when this system has neither. */
bool crypt_library_find(struct crypt_library *library);

#endif
