/* A server of one model for an experiment: this program, on a port of this machine's loopback. */
#ifndef LAB_SERVER_H
#define LAB_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct lab_server {
    pid_t pid; /* 0: none */
    int port;
};

/* It serves `folder`, and notes its events in the memory of rings_fd. False: it can't be had, and has said why on
   stderr; it is to be stopped nevertheless. */
bool lab_server_start(struct lab_server *server, const char *folder, const char *model, int rings_fd);

/* At once: there is nothing that it would have to end well. */
void lab_server_stop(struct lab_server *server);

/* What it has taken so far, its processes together: memory without what it shares with the lab. */
double lab_server_cpu_ms(const struct lab_server *server);
double lab_server_memory_mib(const struct lab_server *server);

/* What a process, and all that this machine's processors, have worked so far. */
double lab_process_cpu_ms(pid_t pid);
double lab_machine_cpu_ms(void);

/* In a child that was forked: it ends with its parent, however that ends. */
void lab_end_with(pid_t parent);

/* Kills a child and waits for its end. */
void lab_end_process(pid_t pid);

/* In the server that was started so: the descriptor of the memory for its events. -1: it wasn't. */
int lab_server_rings_fd(void);

#endif
