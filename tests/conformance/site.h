/* site - the folders that the rows are run on. */
#ifndef TEST_SITE_H
#define TEST_SITE_H

#include "row.h"

row_site site_plain;    /* pages, types, folders, names, links, special files */
row_site site_encoded;  /* precompressed siblings */
row_site site_app;      /* an application with one page, clean URLs, a 404.html */
row_site site_vhosts;   /* a folder for each host */
row_site site_listing;  /* a folder to be listed */
row_site site_no_index; /* no index.html, but other candidates */

#endif
