#include "base/siphash.h"

#include <stdbool.h>

static uint64_t rotate(uint64_t v, int count) {
    return v << count | v >> (64 - count);
}

static void sip_half(uint64_t v[4], int a, int b, int first, int c, int d, int second) {
    v[a] += v[b];
    v[b] = rotate(v[b], first) ^ v[a];
    v[a] = rotate(v[a], 32);
    v[c] += v[d];
    v[d] = rotate(v[d], second) ^ v[c];
}

static void sip_rounds(uint64_t v[4], int count) {
    while (count-- > 0) {
        sip_half(v, 0, 1, 13, 2, 3, 16);
        sip_half(v, 2, 1, 17, 0, 3, 21);
    }
}

void siphash(const uint64_t key[2], struct slice bytes, uint64_t hash[2]) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee, key[0] ^ 0x6c7967656e657261,
                     key[1] ^ 0x7465646279746573};
    size_t first = 0, left;
    for (bool last = false; !last; first += 8) {
        uint64_t word = 0;
        left = bytes.len - first;
        last = left < 8;
        for (size_t i = 0; i < (last ? left : 8); i++)
            word |= (uint64_t)(unsigned char)bytes.at[first + i] << 8 * i;
        if (last)
            word |= (uint64_t)bytes.len << 56;
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    for (int i = 0; i < 2; i++) {
        v[i ? 1 : 2] ^= i ? 0xdd : 0xee;
        sip_rounds(v, 4);
        hash[i] = v[0] ^ v[1] ^ v[2] ^ v[3];
    }
}
