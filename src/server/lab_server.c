#define _GNU_SOURCE
#include "server/lab_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 5000 };

static const char rings_variable[] = "HTTPD_LAB_EVENTS_FD";

static _Noreturn void serve_model(pid_t lab, const char *folder, const char *model, int rings_fd, int out_fd) {
    char number[16];
    sigset_t none;
    lab_end_with(lab);
    sigemptyset(&none); /* a model that forks waits for signals */
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(number, sizeof number, "%d", rings_fd);
    setenv(rings_variable, number, true);
    unsetenv("NOTIFY_SOCKET"); /* is for the server alone whose lab it is */
    fcntl(rings_fd, F_SETFD, 0);
    dup2(out_fd, STDOUT_FILENO);
    execl("/proc/self/exe", "httpd", "-q", "-l", "127.0.0.1:0", "--list", "-r", folder, "-m", model, "-w", "1",
          (char *)NULL);
    _exit(127);
}

int lab_server_rings_fd(void) {
    const char *number = getenv(rings_variable);
    int fd = number ? atoi(number) : -1;
    unsetenv(rings_variable);
    return fd;
}

/* With port 0 and -q, the URL is all that it prints. */
bool lab_server_start(struct lab_server *server, const char *folder, const char *model, int rings_fd) {
    char url[128] = "";
    int ends[2];
    pid_t lab = getpid();
    *server = (struct lab_server){0};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    server->pid = fork();
    if (server->pid == 0)
        serve_model(lab, folder, model, rings_fd, ends[1]);
    close(ends[1]);
    struct pollfd told = {.fd = ends[0], .events = POLLIN};
    if (server->pid > 0 && poll(&told, 1, START_MS) > 0 && read(ends[0], url, sizeof url - 1) < 0)
        url[0] = '\0';
    close(ends[0]);
    const char *colon = strrchr(url, ':');
    server->port = colon ? atoi(colon + 1) : 0;
    return server->port > 0;
}

void lab_end_with(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it was quicker */
        _exit(0);
}

void lab_end_process(pid_t pid) {
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void lab_server_stop(struct lab_server *server) {
    lab_end_process(server->pid);
    server->pid = 0;
}

static bool read_path(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool read_file(pid_t pid, const char *name, char *text, size_t size) {
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return read_path(path, text, size);
}

static double ticks_ms(unsigned long long ticks) {
    return (double)ticks * 1000 / (double)sysconf(_SC_CLK_TCK);
}

/* Of one process, and of its children that have ended. */
double lab_process_cpu_ms(pid_t pid) {
    char text[1024];
    unsigned long long user, system, children_user, children_system;
    if (!read_file(pid, "stat", text, sizeof text) || !strrchr(text, ')') ||
        sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
               &system, &children_user, &children_system) != 4)
        return 0;
    return ticks_ms(user + system + children_user + children_system);
}

double lab_machine_cpu_ms(void) {
    char text[512];
    unsigned long long user, nice, system, idle, io, irq, soft_irq, stolen;
    if (!read_path("/proc/stat", text, sizeof text) ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &io, &irq, &soft_irq,
               &stolen) != 8)
        return 0;
    return ticks_ms(user + nice + system + irq + soft_irq + stolen);
}

static double kib_of(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? strtod(at + strlen(name), NULL) : 0;
}

static double memory_of(pid_t pid) {
    char text[4096];
    if (!read_file(pid, "smaps_rollup", text, sizeof text))
        return 0;
    return (kib_of(text, "\nPss:") - kib_of(text, "\nPss_Shmem:")) / 1024;
}

/* With the children that live. */
static double sum_of(pid_t pid, double (*of)(pid_t)) {
    static char text[64 * 1024];
    char name[64], *at = text;
    double sum = of(pid);
    snprintf(name, sizeof name, "task/%d/children", (int)pid);
    if (!read_file(pid, name, text, sizeof text))
        return sum;
    for (char *end; strtol(at, &end, 10) > 0 && end > at; at = end)
        sum += of((pid_t)strtol(at, NULL, 10));
    return sum;
}

double lab_server_cpu_ms(const struct lab_server *server) {
    return sum_of(server->pid, lab_process_cpu_ms);
}

double lab_server_memory_mib(const struct lab_server *server) {
    return sum_of(server->pid, memory_of);
}
