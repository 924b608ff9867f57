/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, and how they are routed. Include after <cmocka.h>. */
#ifndef REQUEST_ROUTE_ROWS_H
#define REQUEST_ROUTE_ROWS_H

#include "intake/request.h"

#define ID       "7ba7a3d1-0df1-4f3e-8f4b-5a7f0e3d9a11"
#define ID_UPPER "7BA7A3D1-0DF1-4F3E-8F4B-5A7F0E3D9A11"
#define UPLOAD   "/v2/images/" ID "/file"
#define V2       "application/vnd.openstack.images-v2"

static inline struct headers accepting(const char *accept)
{
    struct headers headers = {0};
    assert_true(headers_add(&headers, "Host", "h"));
    if (accept)
        assert_true(headers_add(&headers, "Accept", accept));
    return headers;
}

#endif
