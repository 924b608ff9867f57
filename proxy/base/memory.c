/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/memory.h"

const char NO_MEMORY[] = "there is no memory for it";
