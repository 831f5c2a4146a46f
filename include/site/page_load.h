/* Loads that make something instead of reading it from a file: the pages of made.h; and what they have in common with
   listings. For file_load.c and its siblings. */
#ifndef PAGE_LOAD_H
#define PAGE_LOAD_H

#include "site/file_load.h"
#include "site/made.h"

/* Has the load make that page. */
void file_load_page(struct file_load *load, const struct made *made, int page);

/* For the work: `len` bytes become the content of load->file, in a block with room for its head, which is rendered
   there afterwards. False: no memory. */
bool file_load_keep(struct file_load *load, const char *at, size_t len);

#endif
