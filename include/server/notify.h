/* What a service manager is told: sd_notify(3) without its library. Without a NOTIFY_SOCKET nothing happens. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Finds the manager: once, before anything is told. */
void notify_open(void);

/* The server serves; `status`, a line for the operator, may be NULL: as before. */
void notify_ready(const char *status);

/* It reloads or is being replaced: notify_ready, here or in the successor, ends that. */
void notify_reloading(void);

void notify_stopping(void);

/* Another process is the service's main one from now on. */
void notify_successor(pid_t pid);

/* It is alive: to be said at least once in notify_watchdog_ms(). */
void notify_alive(void);

/* 0: nobody wants to know. `successor`: the environment was the predecessor's. */
uint64_t notify_watchdog_ms(bool successor);

#endif
