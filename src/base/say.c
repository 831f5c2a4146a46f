#include "base/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void say(const char *format, ...) {
    char line[1024] = "httpd: ";
    const size_t head = 7;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line + head, sizeof line - head - 1, format, args);
    va_end(args);
    size_t end = head + (len < 0 ? 0 : (size_t)len < sizeof line - head - 1 ? (size_t)len : sizeof line - head - 2);
    line[end++] = '\n';
    if (write(STDERR_FILENO, line, end) < 0)
        return; /* nobody is left to be told */
}
