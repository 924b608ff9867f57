/* SPDX-License-Identifier: Apache-2.0 */
/* What reading from a stream of bytes gives instead of a count: a client's body, the image on its
 * way through the filters, a spool, an answer of Glance's. */
#ifndef INTAKE_STREAM_H
#define INTAKE_STREAM_H

enum stream_code {
    STREAM_END = 0,       /* all of it has been read */
    STREAM_WAIT = -1,     /* nothing now; the reader is told when there is more */
    STREAM_LOST = -2,     /* there will be no more, and it was not all */
    STREAM_REFUSED = -3,  /* it must not go on; its owner knows why */
    STREAM_NO_SPLICE = -4 /* of splicing only: the next bytes have to be read */
};

#endif
