/* Multiply and fold, as in wyhash and its kin: a 64x64 to 128-bit product mixes 16 bytes at a time. The factors are
   added in, unlike each other, lest bytes chosen to make one of them 0 or 1 wipe out the seed and all that came before.
   The entity tags that clients keep depend on it, so its results must never change: test_hash pins them. Bytes are read
   little-endian for the same reason. */
#define _DEFAULT_SOURCE
#include "base/hash.h"

#include <endian.h>
#include <string.h>

static const uint64_t K0 = 0xa0761d6478bd642f, K1 = 0xe7037ed1a0b428db, K2 = 0x8ebc6af09c88c6e3,
                      K3 = 0x589965cc75374cc3;

#if defined(__SIZEOF_INT128__) && !defined(HASH_PORTABLE)

/* Both halves of a product, the one laid over the other. */
static uint64_t multiply(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#else

/* The same by four products of halves, for processors of 32 bits. No sum overflows: (2^32-1)^2 + 2(2^32-1) < 2^64. */
static uint64_t multiply(uint64_t a, uint64_t b) {
    uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
    uint64_t low = a_low * b_low, middle = a_high * b_low + (low >> 32), other = a_low * b_high + (uint32_t)middle;
    uint64_t high = a_high * b_high + (middle >> 32) + (other >> 32);
    return (other << 32 | (uint32_t)low) ^ high;
}

#endif

static uint64_t fold(uint64_t a, uint64_t b) {
    return multiply(a, b) + a + (b << 32 | b >> 32);
}

static uint64_t read64(const unsigned char *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static uint64_t read32(const unsigned char *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed) {
    const unsigned char *at = bytes;
    size_t left = len;
    uint64_t a, b;
    seed ^= K0;
    if (left > 32) {
        uint64_t second = seed;
        for (; left > 32; left -= 32, at += 32) {
            seed = fold(read64(at) ^ K1, read64(at + 8) ^ seed);
            second = fold(read64(at + 16) ^ K2, read64(at + 24) ^ second);
        }
        seed ^= second;
    }
    if (left > 16) {
        seed = fold(read64(at) ^ K1, read64(at + 8) ^ seed);
        left -= 16;
        at += 16;
    }
    if (left >= 8) {
        a = read64(at);
        b = read64(at + left - 8);
    } else if (left >= 4) {
        a = read32(at);
        b = read32(at + left - 4);
    } else {
        a = left ? (uint64_t)at[0] << 16 | (uint64_t)at[left / 2] << 8 | at[left - 1] : 0;
        b = 0;
    }
    return fold(K3 ^ len, fold(a ^ K1, b ^ seed));
}
