/* What users are told of where a server listens. */
#ifndef LISTENER_URLS_H
#define LISTENER_URLS_H

#include "host/listener.h"

/* Writes the URLs that answer, one a line, indented by two spaces: for a wildcard the loopback addresses and each
   interface's, those beyond loopback marked as such; ports as the kernel chose them; unix:PATH for a unix socket. Links
   on a terminal that has them. */
void listener_urls_print(const struct listeners *listeners, int out_fd);

/* Writes one URL a line, and nothing else, for each port that the kernel chose. */
void listener_urls_print_chosen(const struct listeners *listeners, int out_fd);

/* Writes what listener_urls_print would of listeners opened so, as far as that can be told beforehand: port 0 where the
   kernel is to choose, names as they are given. */
void listener_urls_foresee(const char *const *specs, int spec_count, int port, int out_fd);

#endif
