/* HTTP status codes that httpd sends (RFC 9110 15) and their reason phrases. */
#ifndef STATUS_H
#define STATUS_H

/* The reason phrase, e.g. "Not Found"; "Unknown" for a code that httpd never sends. Static storage. */
const char *status_reason(int status);

#endif
