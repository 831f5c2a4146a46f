/* How inputs of fuzz_engine.c are varied, besides what libFuzzer does to bytes: by whole requests, which it would put
   together from bytes seldom, and by the numbers in front, which are four bytes of hundreds but decide where the others
   lead. */
#define _GNU_SOURCE
#include "engine_input.h"

#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#define REQUEST(method, target, fields) method " " target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

/* Each shape of a reply, with little and with much behind its head. */
static const char *const requests[] = {
    REQUEST("GET", "/empty.txt", ""),
    REQUEST("GET", "/small.txt", ""),
    REQUEST("GET", "/copied.odd", ""),
    REQUEST("GET", "/owned.odd", ""),
    REQUEST("GET", "/medium.txt", ""),
    REQUEST("GET", "/large.odd", ""),
    REQUEST("HEAD", "/large.odd", ""),
    REQUEST("GET", "/page.html", "Accept-Encoding: br, gzip\r\n"),
    REQUEST("GET", "/medium.txt", "Range: bytes=0-4095\r\n"),
    REQUEST("GET", "/medium.txt", "Range: bytes=0-4096\r\n"),
    REQUEST("GET", "/medium.txt", "Range: bytes=0-9,100-109,-9\r\n"),
    REQUEST("GET", "/big.bin", "Range: bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24\r\n"),
    REQUEST("GET", "/small.txt", "Range: bytes=1000-\r\n"),
    REQUEST("GET", "/small.txt", "If-None-Match: *\r\n"),
    REQUEST("GET", "/small.txt", "If-Match: \"x\"\r\n"),
    REQUEST("GET", "/small.txt", "Origin: http://a\r\n"),
    REQUEST("GET", "/small.txt", "Connection: close\r\n"),
    REQUEST("GET", "/small.txt", "Content-Length: 5\r\n") "GET /",
    REQUEST("POST", "/", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n\r\n",
    REQUEST("GET", "/small.txt", "Expect: 100-continue\r\nContent-Length: 5\r\n"),
    REQUEST("GET", "/small.txt", "X-Forwarded-For: 192.0.2.3\r\n"),
    REQUEST("GET", "/none", ""),
    REQUEST("GET", "/folder", ""),
    REQUEST("GET", "/folder/", ""),
    REQUEST("GET", "/many/", ""),
    REQUEST("GET", "/old", ""),
    REQUEST("GET", "/away/%ff", ""),
    REQUEST("GET", "/made/1", ""),
    REQUEST("GET", "/made/3", "Range: bytes=0-9,20-29\r\n"),
    REQUEST("GET", "/health", ""),
    REQUEST("GET", "/user", "Sec-Fetch-Mode: navigate\r\n"),
    REQUEST("GET", "/%00", ""),
    REQUEST("OPTIONS", "*", ""),
    "GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /small.txt HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
};

/* Where in the stream a request begins, most likely: before the first, or behind one of the empty lines. */
static size_t place_in(const uint8_t *stream, size_t len, unsigned which) {
    size_t places[16] = {0}, count = 1;
    for (size_t at = 0; at + 4 <= len && count < sizeof places / sizeof *places; at++)
        if (memcmp(stream + at, "\r\n\r\n", 4) == 0)
            places[count++] = at + 4;
    return places[which % count];
}

static size_t put_request(uint8_t *data, size_t size, size_t max_size, unsigned *seed) {
    const char *request = requests[(unsigned)rand_r(seed) % (sizeof requests / sizeof *requests)];
    struct engine_input input = engine_input_read(data, size);
    size_t len = strlen(request), at = size - input.stream.len;
    if (size + len > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    at += place_in(data + at, input.stream.len, (unsigned)rand_r(seed));
    memmove(data + at + len, data + at, size - at);
    memcpy(data + at, request, len);
    return size + len;
}

/* Another number; all of them are there afterwards. */
static size_t put_number(uint8_t *data, size_t size, size_t max_size, unsigned *seed) {
    if (size < 2 || size + 2 > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    if (!(data[0] & INPUT_MORE)) {
        memmove(data + 4, data + 2, size - 2);
        data[0] |= INPUT_MORE;
        data[2] = data[3] = 0;
        size += 2;
    }
    static const uint8_t places[] = {0, 2, 3, 3};
    if (size >= 4)
        data[places[(unsigned)rand_r(seed) % sizeof places]] = (uint8_t)((unsigned)rand_r(seed) >> 4);
    data[0] |= INPUT_MORE;
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    switch (rand_r(&seed) >> 4 & 7) {
    case 0:
        return put_request(data, size, max_size, &seed);
    case 1:
        return put_number(data, size, max_size, &seed);
    default:
        return LLVMFuzzerMutate(data, size, max_size);
    }
}
