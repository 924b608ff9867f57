/* SPDX-License-Identifier: Apache-2.0 */
/* For decompress.c: which images are decompressed, and why one cannot be. */
#ifndef BODY_DECOMPRESS_CHECKS_H
#define BODY_DECOMPRESS_CHECKS_H

#include "body/body_priv.h"
#include "intake/decompressor.h"

/* The plan says so, and the image is not declared as something that is stored compressed. */
bool decompress_wanted(const struct body_plan *plan);

/* Data of this compression stays as it is: a hypervisor reads it so. */
bool decompress_leaves(const struct body_plan *plan, enum compression compression);

/* A tar in the data is the image, and not what the image is taken out of. */
bool decompress_keeps_tar(const struct body_plan *plan);

/* Refuses the body for the fault. Always returns STREAM_REFUSED. */
int decompress_refuse(struct filter *filter, enum compression compression,
                      enum decompress_fault fault);

#endif
