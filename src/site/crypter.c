#define _GNU_SOURCE
#include "site/crypter.h"

#include <stdlib.h>
#include <string.h>

bool crypter_open(struct crypter *crypter) {
    pthread_mutex_init(&crypter->lock, NULL);
    return crypt_library_find(&crypter->library);
}

void crypter_close(struct crypter *crypter) {
    pthread_mutex_destroy(&crypter->lock);
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
    if (!crypter->library.crypt_r) {
        pthread_mutex_lock(&crypter->lock);
        result = compare(crypter->library.crypt(password, hash), hash);
        pthread_mutex_unlock(&crypter->lock);
        return result;
    }
    void *data = calloc(1, CRYPT_DATA_LEN);
    if (!data)
        return CRYPTER_NO_MEMORY;
    result = compare(crypter->library.crypt_r(password, hash, data), hash);
    explicit_bzero(data, CRYPT_DATA_LEN); /* the password is in it */
    free(data);
    return result;
}
