/* SPDX-License-Identifier: Apache-2.0 */
/* Return codes of functions that read from a stream of bytes, used in place of a count. Streams are
 * a client's body, the image in the filters, a spool, and an answer of Glance. */
#ifndef INTAKE_STREAM_H
#define INTAKE_STREAM_H

enum stream_code {
    STREAM_END = 0,        /* the whole stream has been read */
    STREAM_WAIT = -1,      /* no bytes now; the reader is notified when there are more */
    STREAM_LOST = -2,      /* the stream ended early */
    STREAM_REFUSED = -3,   /* the stream was refused; its owner knows the reason */
    STREAM_NO_SPLICE = -4, /* the next bytes do not come this way: they must be read instead, or
                              (transfer_read()) libcurl delivers them */
    STREAM_NO_MEMORY = -5  /* only of sockets (net/socket.h): the kernel has no memory for it */
};

#endif
