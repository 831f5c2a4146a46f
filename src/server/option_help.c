/* The table as --help shows it. */
#include "server/option_read.h"

#include <stdio.h>
#include <string.h>

/* Where the texts begin: wide enough for "--header-timeout SECONDS". */
enum { HELP_COLUMN = 32 };

static void print_row(const struct option_row *row) {
    char left[64] = "      --";
    if (row->letter)
        snprintf(left, sizeof left, "  -%c, --", row->letter);
    option_add(left, sizeof left, row->name);
    if (row->argument) {
        option_add(left, sizeof left, option_may_lack_value(row) ? "" : " ");
        option_add(left, sizeof left, row->argument);
    }
    if (strlen(left) >= HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    printf("%s", row->help);
    if (row->preset)
        printf(" (default %s)", row->preset);
    printf("\n");
    if (row->print_more)
        row->print_more(row, HELP_COLUMN);
}

void option_print_all(const struct option_table *table) {
    for (int group = 0; group < table->group_count; group++) {
        printf("\n%s:\n", table->groups[group]);
        for (int i = 0; i < table->row_count; i++)
            if (table->rows[i].group == group)
                print_row(&table->rows[i]);
    }
}
