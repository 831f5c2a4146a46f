/* What httpd tells its operator: lines on stderr, each in one write, each beginning with "httpd: ". */
#ifndef SAY_H
#define SAY_H

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif
