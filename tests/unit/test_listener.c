#define _GNU_SOURCE
#include "host/inherited.h"
#include "host/listener.h"
#include "host/listener_urls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Real sockets at ports that the kernel picks, in a folder of the test's own. What needs another user or a privileged
   port runs in a child, which hands its error line back through a pipe. */

#define TEST(name) static void name(void **state __attribute__((unused)))

enum { NOBODY = 65534 };

static char folder[64];
static struct listeners listeners;
static struct inherited nothing = {.predecessor_fd = -1};
static char error[256];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/test_listener.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder); /* fails when a socket was left behind */
}

static int descriptor_count(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static bool open_one(const char *spec) {
    return listeners_open(&listeners, &spec, 1, 0, &nothing, error, sizeof error);
}

static bool open_default(int port) {
    return listeners_open(&listeners, NULL, 0, port, &nothing, error, sizeof error);
}

static int port_of(int fd) {
    struct sockaddr_in6 address;
    socklen_t len = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin6_port); /* where sin_port is, too */
}

/* A connected descriptor, or -1. */
static int connect_to(const char *host, int port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    assert_int_equal(getaddrinfo(host, service, &hints, &found), 0);
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    bool connected = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (connected)
        return fd;
    close(fd);
    return -1;
}

static bool answers(const char *host, int port) {
    return close(connect_to(host, port)) == 0;
}

/* Whether the machine can bind ::1, asked without the code under test. */
static bool has_ipv6(void) {
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(fd);
    return has;
}

static void printed(char *text, size_t size) {
    int fd = memfd_create("printed", MFD_CLOEXEC);
    listener_urls_print(&listeners, fd);
    ssize_t len = pread(fd, text, size - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    close(fd);
}

TEST(spec_forms) {
    char good[] = ":0;:80;127.0.0.1:80;localhost:65535;[::1]:80;[::]:0;a:1;[fe80::1%lo]:80;unix:/tmp/x;unix:x;unix:/"
                  "tmp/x,mode=660;unix:x,mode=0600;unix:a,b;0.0.0.0:1;:00080";
    char bad[] = "80;127.0.0.1;:;a:;:65536;:-1;:8 "
                 "0;:80x;::1:80;[::1];[]:80;[::1:80;::1]:80;[127.0.0.1]:80;[a]:80;unix:;unix:,mode=660;"
                 "unix:x,mode=;unix:x,mode=66;unix:x,mode=668;unix:x,mode=6600;unix:x,mode=660,y;a "
                 "b:80;x/y:80;:100000000000;http://a:80;[%lo]:80;:+80";
    char long_path[256] = "unix:";
    for (char *spec = strtok(good, ";"); spec; spec = strtok(NULL, ";"))
        if (!listener_spec_ok(spec))
            fail_msg("%s is refused", spec);
    for (char *spec = strtok(bad, ";"); spec; spec = strtok(NULL, ";"))
        if (listener_spec_ok(spec))
            fail_msg("%s is accepted", spec);
    assert_false(listener_spec_ok(""));
    memset(long_path + 5, 'x', 107);
    assert_true(listener_spec_ok(long_path));
    long_path[5 + 107] = 'x';
    assert_false(listener_spec_ok(long_path));
}

TEST(default_is_dual_stack) {
    int before = descriptor_count(), on = 0;
    socklen_t len = sizeof on;
    assert_true(open_default(0));
    assert_int_equal(listeners.count, 1 + has_ipv6());
    int fd = listeners.fd[0], port = port_of(fd);
    assert_true(port > 0);
    for (int i = 0; i < listeners.count; i++) {
        assert_int_equal(port_of(listeners.fd[i]), port);
        assert_true(fcntl(listeners.fd[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(listeners.fd[i], F_GETFD) & FD_CLOEXEC);
    }
    assert_true(!has_ipv6() || answers("::1", port));

    int client = connect_to("127.0.0.1", port);
    assert_true(client >= 0);
    int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    close(client);
    close(accepted);
    listeners_close(&listeners);
    assert_int_equal(listeners.count, 0);
    assert_int_equal(descriptor_count(), before);
    assert_false(answers("127.0.0.1", port));
}

/* An address means itself: 127.0.0.1 isn't reached by others, and the wildcards of both families fit side by side. */
TEST(addresses_mean_themselves) {
    assert_true(open_one("127.0.0.1:0"));
    assert_true(answers("127.0.0.1", port_of(listeners.fd[0])));
    assert_false(answers("127.0.0.2", port_of(listeners.fd[0])));
    listeners_close(&listeners);
    if (!has_ipv6())
        return;
    assert_true(open_one("0.0.0.0:0"));
    int port = port_of(listeners.fd[0]);
    listeners_close(&listeners);
    char first[32], second[32];
    snprintf(first, sizeof first, "0.0.0.0:%d", port);
    snprintf(second, sizeof second, "[::]:%d", port);
    const char *specs[] = {first, second, first};
    assert_false(listeners_open(&listeners, specs, 3, 0, &nothing, error, sizeof error));
    assert_non_null(strstr(error, "twice"));
    assert_true(listeners_open(&listeners, specs, 2, 0, &nothing, error, sizeof error));
    assert_int_equal(listeners.count, 2);
    assert_true(answers("127.0.0.1", port));
    assert_true(answers("::1", port));
    listeners_close(&listeners);
}

TEST(name_opens_all_its_addresses_at_one_port) {
    assert_true(open_one("localhost:0"));
    assert_true(listeners.count >= 1);
    for (int i = 1; i < listeners.count; i++)
        assert_int_equal(port_of(listeners.fd[i]), port_of(listeners.fd[0]));
    listeners_close(&listeners);
    assert_false(open_one("no-such-host.invalid:0"));
    assert_non_null(strstr(error, "no-such-host.invalid"));
}

/* Starts a process called `name` that listens at a free port of 127.0.0.1 until stop_holder. */
static pid_t start_holder(const char *name, int *port) {
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, name);
        int chosen = open_one("127.0.0.1:0") ? port_of(listeners.fd[0]) : -1;
        while (write(report[1], &chosen, sizeof chosen) == sizeof chosen)
            pause();
        _exit(1);
    }
    close(report[1]);
    assert_int_equal(read(report[0], port, sizeof *port), sizeof *port);
    close(report[0]);
    assert_true(*port > 0);
    return pid;
}

static void stop_holder(pid_t pid) {
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

TEST(port_in_use_names_its_holder) {
    char small[16], expected[128], taken[32], path[128];
    int port, before = descriptor_count();
    pid_t pid = start_holder("holds the port", &port);

    assert_false(open_default(port));
    snprintf(expected, sizeof expected, "port %d is in use by holds the port (pid %d): stop it, or choose ", port, pid);
    assert_ptr_equal(strstr(error, expected), error);
    assert_non_null(strstr(error, "choose another port: "));
    assert_null(strchr(error, '\n'));

    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    assert_false(open_one(taken));
    snprintf(expected, sizeof expected, "%s is in use by holds the port (pid %d): ", taken, pid);
    assert_ptr_equal(strstr(error, expected), error);
    assert_non_null(strstr(error, "-l"));

    /* What had been opened before is closed again, and the path gone. */
    snprintf(path, sizeof path, "unix:%s/s", folder);
    const char *specs[] = {"127.0.0.1:0", path, taken};
    assert_false(listeners_open(&listeners, specs, 3, 0, &nothing, error, sizeof error));
    assert_int_equal(listeners.count, 0);
    assert_int_equal(descriptor_count(), before);
    assert_int_equal(access(path + 5, F_OK), -1);

    assert_false(listeners_open(&listeners, NULL, 0, port, &nothing, small, sizeof small));
    assert_true(strlen(small) < sizeof small);

    /* Another address at the same port is another matter. */
    snprintf(taken, sizeof taken, "127.0.0.2:%d", port);
    assert_true(open_one(taken));
    listeners_close(&listeners);
    stop_holder(pid);
    assert_true(open_default(port));
    listeners_close(&listeners);
}

/* A holder that is about to end is waited for. */
TEST(port_in_use_for_a_moment) {
    int port;
    pid_t holder = start_holder("ends soon", &port), killer = fork();
    assert_true(killer >= 0);
    if (killer == 0) {
        usleep(200 * 1000); /* so that the port is in use when it is first asked for */
        _exit(kill(holder, SIGKILL) == 0 ? 0 : 1);
    }
    assert_true(open_default(port));
    listeners_close(&listeners);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
}

/* Runs `prepare` and then listeners_open at `port` in a child; false when it could not be prepared. */
static bool error_in_child(bool (*prepare)(void), int port) {
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!prepare())
            _exit(77);
        bool opened = open_default(port);
        if (!opened && write(ends[1], error, strlen(error)) < 0)
            _exit(1);
        _exit(opened ? 2 : 0);
    }
    close(ends[1]);
    ssize_t len = read(ends[0], error, sizeof error - 1);
    close(ends[0]);
    error[len < 0 ? 0 : len] = '\0';
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(status == 0 || status == 77 << 8);
    return status == 0;
}

static bool become_nobody(void) {
    return geteuid() == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

/* In a network of its own, where ports below 1024 are privileged whatever this machine says, without capabilities. */
static bool give_up_privileges(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && syscall(SYS_capset, &header, none) == 0;
}

TEST(holder_of_another_user) {
    char expected[64];
    int port;
    pid_t pid = start_holder("holds the port", &port);
    bool ran = error_in_child(become_nobody, port);
    stop_holder(pid);
    if (!ran)
        skip();
    snprintf(expected, sizeof expected, "port %d is in use by a process of another user", port);
    assert_ptr_equal(strstr(error, expected), error);
}

TEST(privileged_port) {
    if (!error_in_child(give_up_privileges, 80))
        skip();
    assert_non_null(strstr(error, "port 80"));
    assert_non_null(strstr(error, "ports below 1024 need root or CAP_NET_BIND_SERVICE"));
    assert_non_null(strstr(error, "-p 8080"));
}

TEST(address_of_another_machine) {
    /* RFC 5737 keeps 198.51.100.0/24 for documents: nobody has it. */
    assert_false(open_one("198.51.100.77:0"));
    assert_non_null(strstr(error, "198.51.100.77:0 is not an address of this machine"));
}

/* A line for each URL, indented; every URL answers; what isn't loopback is marked. */
TEST(printed_urls_answer) {
    char text[8192], expected[64], *rest = NULL;
    int lines = 0;
    assert_true(open_default(0));
    int port = port_of(listeners.fd[0]);
    printed(text, sizeof text);
    snprintf(expected, sizeof expected, "  http://127.0.0.1:%d/\n", port);
    assert_ptr_equal(strstr(text, expected), text);
    snprintf(expected, sizeof expected, "\n  http://[::1]:%d/\n", port);
    assert_int_equal(strstr(text, expected) != NULL, has_ipv6());
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        char host[64];
        int printed_port, end = 0;
        bool bracketed = sscanf(line, "  http://[%63[0-9a-f:.]]:%d/%n", host, &printed_port, &end) == 2;
        if (!bracketed)
            assert_int_equal(sscanf(line, "  http://%63[0-9.]:%d/%n", host, &printed_port, &end), 2);
        assert_true(end > 0);
        assert_int_equal(printed_port, port);
        bool loopback = strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
        assert_string_equal(line + end, loopback ? "" : " (from other machines)");
        if (!answers(host, port))
            fail_msg("%s does not answer", line);
    }
    assert_true(lines >= 1 + has_ipv6());
    listeners_close(&listeners);
}

TEST(specific_addresses_are_printed_alone) {
    char text[1024], expected[256], path[128];
    snprintf(path, sizeof path, "unix:%s/s", folder);
    const char *specs[] = {"127.0.0.1:0", path};
    assert_true(listeners_open(&listeners, specs, 2, 0, &nothing, error, sizeof error));
    printed(text, sizeof text);
    snprintf(expected, sizeof expected, "  http://127.0.0.1:%d/\n  %s\n", port_of(listeners.fd[0]), path);
    assert_string_equal(text, expected);
    listeners_close(&listeners);
}

TEST(unix_socket_is_replaced_only_when_stale) {
    char spec[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(spec, sizeof spec, "unix:%s/s", folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    const char *path = address.sun_path;

    assert_true(open_one(spec));
    assert_true(fcntl(listeners.fd[0], F_GETFL) & O_NONBLOCK);
    struct listeners live = listeners;
    assert_false(open_one(spec));
    assert_non_null(strstr(error, "in use"));
    listeners = live;
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    close(client);

    close(listeners.fd[0]); /* as a server that was killed */
    assert_int_equal(access(path, F_OK), 0);
    assert_true(open_one(spec));
    listeners_close(&listeners);
    assert_int_equal(access(path, F_OK), -1);

    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_false(open_one(spec));
    assert_non_null(strstr(error, "not a socket"));
    assert_int_equal(unlink(path), 0); /* fails if it had been removed */

    snprintf(spec, sizeof spec, "unix:%s/none/s", folder);
    assert_false(open_one(spec));
    assert_non_null(strstr(error, strerror(ENOENT)));
}

static int mode_at(const char *path) {
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

TEST(unix_socket_has_its_mode) {
    char spec[128];
    snprintf(spec, sizeof spec, "unix:%s/s", folder);
    mode_t mask = umask(0077);
    assert_true(open_one(spec));
    assert_int_equal(mode_at(spec + 5), 0666);
    listeners_close(&listeners);
    strcat(spec, ",mode=620");
    assert_true(open_one(spec));
    snprintf(spec, sizeof spec, "%s/s", folder);
    assert_int_equal(mode_at(spec), 0620);
    listeners_close(&listeners);
    assert_int_equal(access(spec, F_OK), -1);
    assert_int_equal(umask(mask), 0077);
}

/* A server that drains has stopped listening: its successor takes the path over, and keeps it when the first one ends,
   as does whatever else is there by then. */
TEST(unix_socket_of_a_successor_stays) {
    char spec[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(spec, sizeof spec, "unix:%s/s", folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);

    assert_true(open_one(spec));
    struct listeners first = listeners;
    assert_int_equal(shutdown(first.fd[0], SHUT_RD), 0);
    assert_true(open_one(spec));
    listeners_close(&first);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    close(client);

    assert_int_equal(unlink(address.sun_path), 0);
    close(open(address.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    listeners_close(&listeners);
    assert_int_equal(unlink(address.sun_path), 0); /* fails if it had been removed */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_forms),
        cmocka_unit_test(default_is_dual_stack),
        cmocka_unit_test(addresses_mean_themselves),
        cmocka_unit_test(name_opens_all_its_addresses_at_one_port),
        cmocka_unit_test(port_in_use_names_its_holder),
        cmocka_unit_test(port_in_use_for_a_moment),
        cmocka_unit_test(holder_of_another_user),
        cmocka_unit_test(privileged_port),
        cmocka_unit_test(address_of_another_machine),
        cmocka_unit_test(printed_urls_answer),
        cmocka_unit_test(specific_addresses_are_printed_alone),
        cmocka_unit_test(unix_socket_is_replaced_only_when_stale),
        cmocka_unit_test(unix_socket_has_its_mode),
        cmocka_unit_test(unix_socket_of_a_successor_stays),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
