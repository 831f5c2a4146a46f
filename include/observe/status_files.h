/* The files in src/observe/page/, as the build embeds them. */
#ifndef STATUS_FILES_H
#define STATUS_FILES_H

#include <stddef.h>

extern const char status_page_html[], status_page_css[], status_page_js[];
extern const size_t status_page_html_len, status_page_css_len, status_page_js_len;
extern const char status_lab_html[], status_lab_css[], status_lab_js[];
extern const size_t status_lab_html_len, status_lab_css_len, status_lab_js_len;

#endif
