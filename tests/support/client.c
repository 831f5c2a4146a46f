/* A non-blocking socket and poll(2) in front of every call, so that each wait has a deadline. */
#include "client.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int await(const struct client *client, short events, int timeout_ms) {
    int64_t until_ms = clock_now_ms() + timeout_ms;
    for (;;) {
        struct pollfd event = {.fd = client->fd, .events = events};
        int ready = poll(&event, 1, clock_left_ms(until_ms));
        if (ready > 0)
            return 0;
        if (ready == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int connect_to(struct client *client, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(client->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    int error = await(client, POLLOUT, client->wait_ms);
    socklen_t error_len = sizeof error;
    if (error == 0)
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
    return error > 0 ? -error : error;
}

int client_open(struct client *client, int port, int receive_buffer) {
    *client = (struct client){.wait_ms = CLIENT_WAIT_MS};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    int error = connect_to(client, port);
    if (error < 0)
        client_close(client);
    return error;
}

void client_close(struct client *client) {
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    bytes_free(&client->in);
}

int client_send(struct client *client, const char *at, size_t len) {
    while (len > 0) {
        ssize_t sent = send(client->fd, at, len, MSG_NOSIGNAL);
        if (sent >= 0) {
            at += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            int error = await(client, POLLOUT, client->wait_ms);
            if (error < 0)
                return error;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int client_send_text(struct client *client, const char *text) {
    return client_send(client, text, strlen(text));
}

int client_send_cut(struct client *client, const char *at, size_t len, const size_t cuts[], size_t cut_count) {
    enum { MOMENT_MS = 1 };
    size_t first = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t end = i < cut_count ? cuts[i] : len;
        int error = client_send(client, at + first, end - first);
        if (error < 0)
            return error;
        /* A reply that comes early ends the pause, and is read later. */
        if (i < cut_count)
            await(client, POLLIN, MOMENT_MS);
        first = end;
    }
    return 0;
}

void client_finish(struct client *client) {
    shutdown(client->fd, SHUT_WR);
}

ssize_t client_receive(struct client *client, size_t at_most) {
    for (;;) {
        ssize_t got = recv(client->fd, bytes_room(&client->in, at_most), at_most, 0);
        if (got >= 0) {
            bytes_grew(&client->in, (size_t)got);
            return got;
        }
        if (errno == EAGAIN) {
            int error = await(client, POLLIN, client->wait_ms);
            if (error < 0)
                return error;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

int client_reply(struct client *client, bool to_head, struct reply *reply, const char **why) {
    for (;;) {
        size_t used = 0;
        enum reply_progress progress = reply_parse(reply, client->in.at, client->in.len, to_head, &used, why);
        if (progress == REPLY_WHOLE)
            bytes_drop(&client->in, used);
        if (progress != REPLY_PARTIAL)
            return progress == REPLY_WHOLE ? 1 : -EPROTO;
        ssize_t got = client_receive(client, 65536);
        if (got > 0)
            continue;
        *why = got < 0 ? strerror((int)-got) : "the connection ended in the middle of a reply";
        if (got == 0 && client->in.len == 0)
            return 0;
        return got < 0 ? (int)got : -EPIPE;
    }
}

int client_await_end(struct client *client) {
    if (client->in.len > 0)
        return -EPROTO;
    ssize_t got = client_receive(client, 65536);
    return got > 0 ? -EPROTO : (int)got;
}
