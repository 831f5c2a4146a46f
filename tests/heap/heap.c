/* The request path takes nothing from the heap: 10,000 requests of many kinds, over connections that are opened and
   closed, with a preloaded counter of all calls to malloc and its kin.

   usage: HTTPD=./httpd HEAP_COUNTER=libcount.so heap MODEL... */
#include "client.h"
#include "fixture.h"
#include "server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONNECTIONS = 100, REQUESTS = 100, MODELS_MAX = 16 };

static struct fixture site;
static atomic_ulong *calls;

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /small.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\nUser-Agent: test\r\n\r\n",
    "GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,150000-150009\r\n\r\n",
    "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /small.html HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%73mall.html?q HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Fri, 20 Nov 2037 12:00:00 GMT\r\n\r\n",
    "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /folder HTTP/1.1\r\nHost: a\r\n\r\n",
    "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
};
enum { SETTLED_S = 5, REQUEST_KINDS = sizeof requests / sizeof requests[0] };

static void exchange(struct client *client, const char *request) {
    struct reply reply;
    const char *why = "";
    assert_int_equal(client_send_text(client, request), 0);
    if (client_reply(client, request[0] == 'H', &reply, &why) != 1)
        fail_msg("%s: %s", request, why);
    reply_free(&reply);
}

/* Returns the calls to the heap in REQUESTS requests. Those before load what isn't known yet: in a child of fork's that
   is everything. */
static unsigned long run_connection(int port) {
    struct client client;
    assert_int_equal(client_open(&client, port, 0), 0);
    for (int i = 0; i < 2 * REQUEST_KINDS; i++)
        exchange(&client, requests[i % REQUEST_KINDS]);
    unsigned long before = atomic_load(calls);
    for (int i = 0; i < REQUESTS; i++)
        exchange(&client, requests[i % REQUEST_KINDS]);
    unsigned long used = atomic_load(calls) - before;
    client_close(&client);
    return used;
}

/* A file that has just been written is loaded again and again, and hashed while it is sent. */
static void let_settle(void) {
    struct stat st;
    do {
        assert_int_equal(fstatat(site.fd, "large.bin", &st, 0), 0);
        usleep(50 * 1000);
    } while (time(NULL) <= st.st_ctim.tv_sec + SETTLED_S);
}

static void test_heap(void **state) {
    struct server *server = server_start(*state, site.path, NULL);
    assert_non_null(server);
    unsigned long used = 0;
    run_connection(server_port(server)); /* what is done once, the C library's first use of something included */
    assert_true(atomic_load(calls) > 0); /* the counter counts */
    for (int i = 0; i < CONNECTIONS; i++)
        used += run_connection(server_port(server));
    assert_true(server_stop(server));
    if (used > 0)
        fail_msg("%lu calls to the heap in %d requests", used, CONNECTIONS * REQUESTS);
}

static void open_counter(void) {
    char path[sizeof site.path + 32];
    fixture_sparse(&site, ".count", sizeof *calls);
    snprintf(path, sizeof path, "%s/.count", site.path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || calls == MAP_FAILED)
        abort();
    close(fd);
    setenv("HEAP_COUNT_FILE", path, 1);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[MODELS_MAX];
    const char *counter = getenv("HEAP_COUNTER");
    if (argc < 2 || argc - 1 > MODELS_MAX || !counter) {
        fprintf(stderr, "usage: HTTPD=./httpd HEAP_COUNTER=libcount.so heap MODEL...\n");
        return 2;
    }
    fixture_open(&site);
    fixture_text(&site, "index.html", "<p>hello</p>\n");
    fixture_text(&site, "small.html", "<p>small</p>\n");
    fixture_text(&site, "small.html.gz", "not really compressed");
    fixture_sparse(&site, "large.bin", 200 * 1024);
    fixture_dir(&site, "folder");
    open_counter();
    let_settle();
    setenv("LD_PRELOAD", counter, 1);
    for (int i = 1; i < argc; i++)
        tests[i - 1] = (struct CMUnitTest){argv[i], test_heap, NULL, NULL, argv[i]};
    int failed = _cmocka_run_group_tests("heap", tests, (size_t)argc - 1, NULL, NULL);
    fixture_close(&site);
    return failed != 0;
}
