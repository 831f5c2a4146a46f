/* The command that this process was started by, to be shown to who may want to start it otherwise. */
#ifndef OWN_COMMAND_H
#define OWN_COMMAND_H

#include <stddef.h>

/* To be called at the start: what serves can't read it any more. */
void own_command_remember(void);

/* Writes it as a shell would take it, with an option behind, which replaces the same before: `httpd -r html -p 7891`.
   `value` may be NULL. Where the command is too long, or can't be told, it is "httpd ...". */
void own_command(char *text, size_t size, const char *option, const char *value);

#endif
