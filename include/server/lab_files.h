/* The files that an experiment takes, in a folder of their own. */
#ifndef LAB_FILES_H
#define LAB_FILES_H

#include "observe/experiments.h"

#include <stdbool.h>

enum { LAB_FOLDER_MAX = 64, LAB_COLD_FILES = 32 };

#define LAB_COLD_NAME "cold-%u"
#define LAB_MANY_NAME "many"

/* False, with errno. What there is is to be removed in any case. */
bool lab_files_make(const struct experiment *experiment, char folder[LAB_FOLDER_MAX]);
void lab_files_remove(const char *folder);

#endif
