/* A program of the build, not of the user's: writes the manual page's options and the shells' completions from the
   table that the server reads its options by, so that neither can say anything else. */
#include "server/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TEMPLATE_MARK ".\\\" OPTIONS\n"

/* What a shell offers as an option's value. */
struct offer {
    bool files, folders;
    char words[512]; /* with spaces between them */
};

static void add_word(struct offer *offer, const char *word, size_t len) {
    char copy[64];
    snprintf(copy, sizeof copy, "%.*s", (int)len, word);
    option_add(offer->words, sizeof offer->words, *offer->words ? " " : "");
    option_add(offer->words, sizeof offer->words, copy);
}

/* "N|auto": what is in lower case stands for itself. */
static void add_argument(struct offer *offer, const char *argument) {
    argument += strspn(argument, "[=");
    while (*argument) {
        size_t len = strcspn(argument, "|]"), lower = strspn(argument, "abcdefghijklmnopqrstuvwxyz-");
        if (len > 0 && lower == len)
            add_word(offer, argument, len);
        offer->files |= len == 4 && strncmp(argument, "FILE", 4) == 0;
        offer->folders |= len == 3 && strncmp(argument, "DIR", 3) == 0;
        argument += len + strspn(argument + len, "|]");
    }
}

static struct offer offer_of(const struct option_row *row) {
    struct offer offer = {.words = ""};
    char text[512] = "";
    if (row->argument)
        add_argument(&offer, row->argument);
    for (int i = 0; row->choices && row->choices[i]; i++)
        add_word(&offer, row->choices[i], strlen(row->choices[i]));
    if (row->add_allowed)
        row->add_allowed(text, sizeof text);
    for (char *word = text; *word; word += strcspn(word, ", "), word += strspn(word, ", "))
        add_word(&offer, word, strcspn(word, ", "));
    return offer;
}

/* Prints the text, a backslash before each of `escaped`, and an apostrophe as a shell's quotes need it. */
static void print_escaped(const char *text, const char *escaped) {
    for (; *text; text++)
        if (*text == '\'')
            printf("'\\''");
        else
            printf("%s%c", strchr(escaped, *text) ? "\\" : "", *text);
}

static void print_bash_values(const struct option_row *row) {
    struct offer offer = offer_of(row);
    printf("    "); /* a value that may be left out stands behind "=" alone */
    if (row->letter)
        printf("-%c|", row->letter);
    if (!option_may_lack_value(row))
        printf("--%s|", row->name);
    printf("--%s=) ", row->name);
    if (offer.files || offer.folders)
        printf("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -%s -- \"$cur\");;\n", offer.files ? "f" : "d");
    else if (*offer.words)
        printf("mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\");;\n", offer.words);
    else
        printf(";;\n");
}

/* Readline takes "--model=ep" for three words. */
static void print_bash(void) {
    printf("# bash completion for httpd, made from its table of options\n"
           "_httpd() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} equals=\n"
           "    if [ \"$cur\" = = ]; then\n"
           "        cur= equals==\n"
           "    elif [ \"$option\" = = ]; then\n"
           "        option=${COMP_WORDS[COMP_CWORD-2]} equals==\n"
           "    fi\n"
           "    COMPREPLY=()\n"
           "    case $option$equals in\n");
    for (int i = 0; i < config_table.row_count; i++) {
        const struct option_row *row = &config_table.rows[i];
        if (row->argument)
            print_bash_values(row);
    }
    printf("    *) mapfile -t COMPREPLY < <(compgen -W '");
    for (int i = 0; i < config_table.row_count; i++) {
        const struct option_row *row = &config_table.rows[i];
        if (row->letter)
            printf("-%c ", row->letter);
        printf("--%s ", row->name);
    }
    printf("' -- \"$cur\");;\n    esac\n}\ncomplete -F _httpd httpd\n");
}

static void print_zsh_row(const struct option_row *row) {
    struct offer offer = offer_of(row);
    bool optional = option_may_lack_value(row);
    printf("    '*'");
    if (row->letter)
        printf("{-%c%s,--%s%s}", row->letter, row->argument ? "+" : "", row->name, row->argument ? "=" : "");
    else
        printf("--%s%s", row->name, optional ? "=-" : row->argument ? "=" : "");
    printf("'[");
    print_escaped(row->help, "[]:\\");
    printf("]");
    if (row->argument) {
        printf(optional ? "::" : ":");
        print_escaped(row->argument, "[]:\\");
        printf(":");
        if (offer.files || offer.folders)
            printf(offer.files ? "_files" : "_files -/");
        else if (*offer.words)
            printf("(%s)", offer.words);
    }
    printf("' \\\n");
}

static void print_zsh(void) {
    printf("#compdef httpd\n# zsh completion for httpd, made from its table of options\n_arguments -s -S : \\\n");
    for (int i = 0; i < config_table.row_count; i++)
        print_zsh_row(&config_table.rows[i]);
    printf("    && return 0\n");
}

static void print_fish(void) {
    printf("# fish completion for httpd, made from its table of options\ncomplete -c httpd -f\n");
    for (int i = 0; i < config_table.row_count; i++) {
        const struct option_row *row = &config_table.rows[i];
        struct offer offer = offer_of(row);
        printf("complete -c httpd");
        if (row->letter)
            printf(" -s %c", row->letter);
        printf(" -l %s", row->name);
        if (row->argument && !option_may_lack_value(row))
            printf(offer.files ? " -r -F" : " -x");
        else if (offer.files)
            printf(" -F");
        if (offer.folders)
            printf(" -a '(__fish_complete_directories)'");
        else if (*offer.words && !offer.files)
            printf(" -a '%s'", offer.words);
        printf(" -d \"");
        for (const char *c = row->help; *c; c++)
            printf("%s%c", strchr("\"\\$", *c) ? "\\" : "", *c);
        printf("\"\n");
    }
}

/* Text for mdoc(7), in short lines: no macro at the beginning of one, no escape, and hyphens that can be copied. */
static void print_mdoc(const char *text) {
    int column = 0;
    for (; *text; text++) {
        if (*text == ' ' && column > 60) {
            printf("\n");
            column = 0;
            continue;
        }
        if (column++ == 0 && (*text == '.' || *text == '\''))
            printf("\\&");
        if (*text == '\\')
            printf("\\e");
        else
            printf("%s%c", *text == '-' ? "\\" : "", *text);
    }
}

static void print_mdoc_head(const struct option_row *row) {
    printf(".It Xo\n");
    if (row->letter)
        printf(".Fl %c ,\n", row->letter);
    printf(".Fl \\-%s", row->name);
    if (row->argument && option_may_lack_value(row))
        printf(" Ns \\&%s", row->argument);
    else if (row->argument)
        printf(" Ar \\&%s", row->argument);
    printf("\n.Xc\n");
}

static void print_mdoc_row(const struct option_row *row) {
    char text[512];
    print_mdoc_head(row);
    print_mdoc(row->help);
    printf(".\n");
    if (row->preset) {
        printf("Default: ");
        print_mdoc(row->preset);
        printf("\n");
    }
    if (row->print_more) { /* a list that says what it takes, too */
        printf(".Bd -literal -compact\n");
        row->print_more(row, 22);
        printf(".Ed\n");
    } else if (row->noun && strchr(option_expectation(row, text, sizeof text), '(')) {
        printf(".br\nTakes ");
        print_mdoc(text);
        printf(".\n");
    }
}

static void print_options(void) {
    for (int group = 0; group < config_table.group_count; group++) {
        printf(".Ss %s\n.Bl -tag -width Ds\n", config_table.groups[group]);
        for (int i = 0; i < config_table.row_count; i++)
            if (config_table.rows[i].group == group)
                print_mdoc_row(&config_table.rows[i]);
        printf(".El\n");
    }
}

/* The template, with the options where it says so. */
static int print_manual(const char *path) {
    char line[1024];
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && fgets(line, sizeof line, file))
        if (strcmp(line, TEMPLATE_MARK) == 0) {
            print_options();
            found = true;
        } else {
            fputs(line, stdout);
        }
    if (file)
        fclose(file);
    if (!found)
        fprintf(stderr, "%s: can't be read, or has no line %s", path, TEMPLATE_MARK);
    return found ? 0 : 1;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    if (argc < 3 || !freopen(argv[1], "w", stdout)) {
        fprintf(stderr, "usage: httpd_describe OUTPUT (man TEMPLATE | bash | zsh | fish)\n");
        return 2;
    }
    if (argc == 4 && strcmp(argv[2], "man") == 0 && print_manual(argv[3]) != 0)
        return 1;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(argv[2], shells[i].name) == 0)
            shells[i].print();
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
