/* SPDX-License-Identifier: Apache-2.0 */
/* Connections on which nothing happens, for the memory that they take. */
#include "load.h"
#include "small.h"
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_for_end_of_input(void)
{
    char byte;
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void hold(struct wire *wires, const struct load *load)
{
    unsigned kept = 0;
    printf("{\"held\": %u}\n", load->count);
    wait_for_end_of_input();
    for (unsigned i = 0; i < load->count; i++)
        kept += wire_is_quiet(&wires[i]);
    printf("{\"kept\": %u}\n", kept);
}

static struct wire *wires_new(const struct load *load)
{
    struct wire *wires = calloc(load->count, sizeof *wires);
    if (!wires)
        fail("no memory");
    return wires;
}

static void wires_free(struct wire *wires, const struct load *load)
{
    for (unsigned i = 0; i < load->count; i++)
        wire_close(&wires[i]);
    free(wires);
}

void load_idle(const struct load *load)
{
    struct wire *wires = wires_new(load);
    for (unsigned i = 0; i < load->count; i++) {
        wire_open(&wires[i], &load->target);
        small_request(&wires[i], &load->target);
    }
    hold(wires, load);
    wires_free(wires, load);
}

void load_stall(const struct load *load)
{
    enum { BEFORE = 1024 * 1024 };
    struct wire *wires = wires_new(load);
    for (unsigned i = 0; i < load->count; i++) {
        struct transfer transfer;
        transfer_begin(&transfer, load, i);
        transfer_send_part(&transfer, BEFORE);
        wires[i] = transfer.wire;
        stream_room_free(transfer.room);
    }
    hold(wires, load);
    wires_free(wires, load);
}
