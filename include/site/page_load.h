/* What is made for many requests at a time, as a load: pages that are no files, and what all that is made needs. */
#ifndef PAGE_LOAD_H
#define PAGE_LOAD_H

#include "site/file_load.h"
#include "site/made.h"

/* Makes it one of a made page. */
void file_load_page(struct file_load *load, const struct made *made, int page);

/* For the work: `len` bytes become load->file's content, which is to get its head in its block. False: no memory. */
bool file_load_keep(struct file_load *load, const char *at, size_t len);

#endif
