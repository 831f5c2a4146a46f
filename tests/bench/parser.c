/* How long request_parse takes: the browser's request that HTTP parsers have been compared by since 2009, and the least
   that a load generator sends. The best of many rounds. */
#define _GNU_SOURCE
#include "base/bounds.h"
#include "protocol/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char browser[] =
    "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n"
    "Host: www.kittyhell.com\r\n"
    "User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 "
    "Pathtraq/0.9\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n"
    "Accept-Encoding: gzip,deflate\r\n"
    "Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n"
    "Keep-Alive: 115\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; "
    "__utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; "
    "__utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n"
    "\r\n";

static const char minimal[] = "GET / HTTP/1.1\r\nHost: localhost:7890\r\n\r\n";

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds for one of `count` parses. */
static double time_parse(const char *bytes, size_t len, int count) {
    struct request request;
    size_t head_len;
    double began = now_ns();
    for (int i = 0; i < count; i++) {
        if (request_parse(bytes, len, HEAD_MAX_DEFAULT, &request, &head_len) != 0 || head_len != len)
            abort();
        __asm__ volatile("" : : "r"(&request) : "memory"); /* it might be used, so it has to be made */
    }
    return (now_ns() - began) / count;
}

static void report(const char *name, const char *bytes, size_t len) {
    double best = time_parse(bytes, len, 5000);
    for (int round = 0; round < 500; round++) { /* short ones, of which some are left alone by other programs */
        double ns = time_parse(bytes, len, 5000);
        best = ns < best ? ns : best;
    }
    printf("%-8s %4zu bytes %7.1f ns %8.0f MB/s\n", name, len, best, (double)len / best * 1e3);
}

int main(void) {
    report("browser", browser, sizeof browser - 1);
    report("minimal", minimal, sizeof minimal - 1);
    return 0;
}
