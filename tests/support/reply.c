/* The head is copied once and cut into strings in place; the bytes as they came are kept beside it for transcripts. */
#include "reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_token_char(char c) {
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 9112 section 4; only three-digit statuses of the five classes, and the space after it even without a reason. */
static const char *parse_status_line(struct reply *reply, const char *line) {
    if (strncmp(line, "HTTP/1.1 ", 9) != 0)
        return "status line does not begin with HTTP/1.1 and a space";
    const char *code = line + 9;
    if (code[0] < '1' || code[0] > '5' || !isdigit((unsigned char)code[1]) || !isdigit((unsigned char)code[2]) ||
        code[3] != ' ')
        return "status is not three digits and a space";
    reply->status = atoi(code);
    return NULL;
}

static const char *parse_field_line(struct reply *reply, char *line) {
    char *colon = line;
    while (is_token_char(*colon))
        colon++;
    if (colon == line || *colon != ':')
        return "field name is not a token right before a colon";
    if (reply->field_count == REPLY_FIELDS_MAX)
        return "too many fields";
    *colon = '\0';
    char *value = colon + 1;
    value += strspn(value, " \t");
    size_t len = strlen(value);
    if (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        return "white space at the end of a field";
    reply->fields[reply->field_count++] = (struct reply_field){.name = line, .value = value};
    return NULL;
}

static const char *parse_head(struct reply *reply) {
    char *line = reply->text.at;
    char *end = line + reply->text.len - 2;
    for (char *c = line; c < end; c++) {
        bool crlf = c[0] == '\r' && c[1] == '\n';
        if (!crlf && *c != '\t' && ((unsigned char)*c < 0x20 || *c == 0x7f))
            return "control byte, bare CR or bare LF in the head";
        c += crlf;
    }
    const char *why = NULL;
    for (bool first = true; line < end && !why; first = false) {
        char *line_end = strstr(line, "\r\n");
        *line_end = '\0';
        why = first ? parse_status_line(reply, line) : parse_field_line(reply, line);
        line = line_end + 2;
    }
    return why;
}

size_t reply_field_count(const struct reply *reply, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < reply->field_count; i++)
        count += strcasecmp(reply->fields[i].name, name) == 0;
    return count;
}

const char *reply_field(const struct reply *reply, const char *name) {
    for (size_t i = 0; i < reply->field_count; i++)
        if (strcasecmp(reply->fields[i].name, name) == 0)
            return reply->fields[i].value;
    return NULL;
}

const char *reply_field_text(const struct reply *reply, const char *name) {
    const char *value = reply_field(reply, name);
    return value ? value : "";
}

/* RFC 9112 section 6.3, without the two framings that this server has no use for. */
static const char *body_length(const struct reply *reply, bool to_head, size_t *len) {
    *len = 0;
    if (reply_field(reply, "Transfer-Encoding"))
        return "Transfer-Encoding in a reply whose length is known";
    if (reply_field_count(reply, "Content-Length") > 1)
        return "more than one Content-Length";
    const char *value = reply_field(reply, "Content-Length");
    if (value && (value[0] == '\0' || strspn(value, "0123456789") != strlen(value)))
        return "Content-Length is not a number";
    if (reply->status == 204 || reply->status < 200)
        return value ? "Content-Length in a 1xx or 204 reply" : NULL;
    if (reply->status == 304 || to_head)
        return NULL;
    if (!value)
        return "a body without Content-Length";
    *len = strtoull(value, NULL, 10);
    return *len > REPLY_BODY_MAX ? "a body longer than any right answer here" : NULL;
}

enum reply_progress reply_parse(struct reply *reply, const char *at, size_t len, bool to_head, size_t *used,
                                const char **why) {
    *reply = (struct reply){0};
    const char *blank = len > 0 ? memmem(at, len, "\r\n\r\n", 4) : NULL;
    if (!blank)
        return REPLY_PARTIAL;
    size_t head_len = (size_t)(blank - at) + 4;
    size_t body_len = 0;
    bytes_add(&reply->head, at, head_len);
    bytes_add(&reply->text, at, head_len);
    *why = parse_head(reply);
    if (!*why)
        *why = body_length(reply, to_head, &body_len);
    if (!*why && len - head_len >= body_len) {
        bytes_add(&reply->body, at + head_len, body_len);
        *used = head_len + body_len;
        return REPLY_WHOLE;
    }
    reply_free(reply);
    return *why ? REPLY_BROKEN : REPLY_PARTIAL;
}

void reply_free(struct reply *reply) {
    bytes_free(&reply->head);
    bytes_free(&reply->body);
    bytes_free(&reply->text);
    *reply = (struct reply){0};
}

static void add_blanked(struct bytes *to, const struct bytes *from, const char *hidden, size_t hidden_len) {
    const char *at = from->at, *end = from->at + from->len;
    while (at < end) {
        const char *found = hidden_len > 0 ? memmem(at, (size_t)(end - at), hidden, hidden_len) : NULL;
        bytes_add(to, at, (size_t)((found ? found : end) - at));
        if (!found)
            return;
        bytes_addf(to, "*");
        at = found + hidden_len;
    }
}

void reply_transcribe(const struct reply *reply, struct bytes *to) {
    const char *type = reply_field(reply, "Content-Type");
    const char *boundary = type && strncasecmp(type, "multipart/", 10) == 0 ? strstr(type, "boundary=") : NULL;
    boundary = boundary ? boundary + strlen("boundary=") : "";
    const char *date = reply_field(reply, "Date");
    struct bytes dateless = {0};
    add_blanked(&dateless, &reply->head, date ? date : "", date ? strlen(date) : 0);
    add_blanked(to, &dateless, boundary, strlen(boundary));
    add_blanked(to, &reply->body, boundary, strlen(boundary));
    bytes_free(&dateless);
}
