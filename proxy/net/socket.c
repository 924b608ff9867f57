/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, writes and splices a plain socket. The errors of the kernel get their meaning here only.
 * */
#include "net/socket.h"

#include "net/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/socket.h>

/* The socket becomes readable when this many bytes have arrived. */
enum { LOW_WATER = PIPE_SIZE };

enum stream_code net_code_of_errno(void)
{
    switch (errno) {
    case EAGAIN: /* the same as EWOULDBLOCK on Linux */
    case EINTR:
        return STREAM_WAIT;
    case ENOMEM:
    case ENOBUFS:
        return STREAM_NO_MEMORY;
    default:
        return STREAM_LOST;
    }
}

static ssize_t result_of(ssize_t count)
{
    return count >= 0 ? count : net_code_of_errno();
}

/* --- plain ----------------------------------------------------------------------------- */

static ssize_t read_plain(const struct net_socket *socket, void *into, size_t room)
{
    return result_of(recv(socket->fd, into, room, MSG_DONTWAIT));
}

static ssize_t write_plain(const struct net_socket *socket, const void *bytes, size_t count)
{
    return result_of(send(socket->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static ssize_t write_more_plain(const struct net_socket *socket, const void *bytes, size_t count)
{
    return result_of(send(socket->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE));
}

static ssize_t splice_in_plain(const struct net_socket *socket, int pipe, size_t room)
{
    return result_of(splice(socket->fd, NULL, pipe, NULL, room, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

/* A pipe that has fewer bytes than it was said to have ends before they are sent. */
static ssize_t splice_out_plain(const struct net_socket *socket, int pipe, size_t count)
{
    ssize_t moved = splice(pipe, NULL, socket->fd, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    return moved ? result_of(moved) : STREAM_LOST;
}

const struct net_operations NET_PLAIN = {
    .read = read_plain,
    .write = write_plain,
    .write_more = write_more_plain,
    .splice_in = splice_in_plain,
    .splice_out = splice_out_plain,
    .exact = true,
};

struct net_socket net_socket_plain(int fd)
{
    return (struct net_socket){.operations = &NET_PLAIN, .fd = fd};
}

/* --- any table ------------------------------------------------------------------------- */

ssize_t net_read(const struct net_socket *socket, void *into, size_t room)
{
    return socket->operations->read(socket, into, room);
}

ssize_t net_write(const struct net_socket *socket, const void *bytes, size_t count)
{
    return socket->operations->write(socket, bytes, count);
}

ssize_t net_write_more(const struct net_socket *socket, const void *bytes, size_t count)
{
    return socket->operations->write_more ? socket->operations->write_more(socket, bytes, count)
                                          : net_write(socket, bytes, count);
}

bool net_can_splice(const struct net_socket *socket)
{
    return socket->operations->splice_in && socket->operations->splice_out;
}

ssize_t net_splice_in(const struct net_socket *socket, int pipe, size_t room)
{
    return net_can_splice(socket) ? socket->operations->splice_in(socket, pipe, room)
                                  : STREAM_NO_SPLICE;
}

ssize_t net_splice_out(const struct net_socket *socket, int pipe, size_t count)
{
    return net_can_splice(socket) ? socket->operations->splice_out(socket, pipe, count)
                                  : STREAM_NO_SPLICE;
}

void net_end_sending(const struct net_socket *socket)
{
    if (socket->operations->close_notify)
        socket->operations->close_notify(socket);
    shutdown(socket->fd, SHUT_WR);
}

/* Linux sends RST when a TCP socket is disconnected (connect(2), AF_UNSPEC). */
void net_reset(const struct net_socket *socket)
{
    (void)connect(socket->fd, &(const struct sockaddr){.sa_family = AF_UNSPEC},
                  sizeof(struct sockaddr));
}

/* --- what has arrived ------------------------------------------------------------------ */

/* Never more than the rest, or the rest would not wake the loop. TLS adds bytes of its own, and its
 * library may have read the start of a record already. */
static int low_water(const struct net_socket *socket, uint64_t remaining)
{
    if (!socket->operations->exact)
        return remaining < 2 * (uint64_t)LOW_WATER ? 1 : LOW_WATER;
    return remaining ? (int)MIN(remaining, (uint64_t)LOW_WATER) : 1;
}

void net_expect(struct net_socket *socket, uint64_t remaining)
{
    int bytes = low_water(socket, remaining);
    if (bytes != socket->low_water)
        setsockopt(socket->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    socket->low_water = bytes;
}

bool net_has_bytes(const struct net_socket *socket)
{
    int waiting = 0;
    return ioctl(socket->fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

/* With TLS the bytes in the socket are at least as many as the bytes in their records. */
bool net_may_have(const struct net_socket *socket, uint64_t count)
{
    int waiting = 0;
    if (ioctl(socket->fd, FIONREAD, &waiting) != 0)
        return true;
    size_t most = (size_t)waiting;
    if (socket->operations->buffered)
        most += socket->operations->buffered(socket, (size_t)waiting);
    return most >= count;
}

ssize_t net_peek(const struct net_socket *socket, void *into, size_t room)
{
    return result_of(recv(socket->fd, into, room, MSG_PEEK | MSG_DONTWAIT));
}
