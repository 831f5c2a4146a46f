/* A file of options, held against a reader of whole lines; and what the config's rows make of any such file: a config
   whose strings are there, or one line that says what is wrong and where. */
#include "fuzz.h"
#include "server/config.h"
#include "server/option_file.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s) {
    while (s.len > 0 && is_blank(s.at[0]))
        s = slice_from(s, 1);
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* The line as the reader should see it. */
static void check_line(const struct option_line *line, struct slice said) {
    struct slice rest;
    size_t name_len = 0;
    if (slice_starts(said, SLICE("--")))
        said = slice_from(said, 2);
    while (name_len < said.len && !is_blank(said.at[name_len]) && said.at[name_len] != '=')
        name_len++;
    CHECK(slice_equal(slice_of(line->name), (struct slice){said.at, name_len}));
    rest = trim(slice_from(said, name_len));
    if (rest.len == 0) {
        CHECK(!line->value);
        return;
    }
    if (rest.at[0] == '=')
        rest = trim(slice_from(rest, 1));
    CHECK(line->value && slice_equal(slice_of(line->value), rest));
}

static void check_lines(struct slice all, char *text) {
    struct option_line line = {.number = 0};
    int number = 0;
    while (all.len > 0) {
        const char *newline = memchr(all.at, '\n', all.len);
        size_t len = newline ? (size_t)(newline - all.at) : all.len;
        struct slice said = trim((struct slice){all.at, len});
        all = slice_from(all, newline ? len + 1 : len);
        number++;
        if (said.len == 0 || said.at[0] == '#')
            continue;
        CHECK(option_file_next(&text, &line) && line.number == number);
        check_line(&line, said);
    }
    CHECK(!option_file_next(&text, &line));
}

/* What a reload would do, but for the files that are named: nothing is opened. */
static void check_config(char *text) {
    static struct config config;
    static char error[OPTION_ERROR_MAX];
    memset(&config, 0, sizeof config);
    memset(error, 0, sizeof error);
    struct option_reading reading = {
        .table = &config_table, .into = &config, .folder = "/srv", .error = error, .error_size = sizeof error};
    int status = option_read_text(&reading, text);
    CHECK(status == 0 ? !*error : status == 2 && strncmp(error, "text:", 5) == 0);
    const struct site_config *site = &config.settings.site;
    CHECK(site->index_count <= INDEX_MAX && config.listen_count <= LISTEN_MAX && site->cors_count <= CORS_ORIGINS_MAX &&
          site->redirect_count <= REDIRECTS_MAX && site->fields.len <= FIELDS_MAX);
    if (status == 0)
        CHECK(site->index_count > 0 && site->root[0] == '/' && config.settings.backend && config.port <= 65535 &&
              strlen(site->default_type) <= MIME_TYPE_LEN_MAX && strlen(site->cache_control) <= 255);
    for (int i = 0; i < site->redirect_count; i++) /* of the text, which is still there */
        CHECK(site->redirects[i].from.at[0] == '/' && site->redirects[i].to.len > 0);
    option_texts_free(reading.texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - (const char *)data) : size; /* a file that holds one is refused as a whole */
    char *text = malloc(len + 1);
    CHECK(text);
    for (int turn = 0; turn < 2; turn++) {
        if (len > 0)
            memcpy(text, data, len);
        text[len] = '\0';
        if (turn == 0)
            check_lines((struct slice){(const char *)data, len}, text);
        else
            check_config(text);
    }
    free(text);
    return 0;
}
