/* The files in src/observe/page/, as the build embeds them. */
#ifndef STATUS_FILES_H
#define STATUS_FILES_H

#include <stddef.h>

#define STATUS_FILE(name)                                                                                              \
    extern const char status_##name[];                                                                                 \
    extern const size_t status_##name##_len

STATUS_FILE(page_html);
STATUS_FILE(page_css);
STATUS_FILE(page_js);
STATUS_FILE(lab_html);
STATUS_FILE(lab_css);
STATUS_FILE(lab_js);
STATUS_FILE(lab_words_js);
STATUS_FILE(lab_play_js);
STATUS_FILE(lab_draw_js);
STATUS_FILE(lab_experiments_js);
STATUS_FILE(lab_figure_js);
STATUS_FILE(lab_run_js);

#endif
