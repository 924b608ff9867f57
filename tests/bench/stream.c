/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 4096,
    NOISE = 64 * 1024, /* after which it repeats, but for the blocks' numbers */
};

struct stream_room {
    unsigned char bytes[NOISE + STREAM_PIECE]; /* of positions from a multiple of NOISE on */
};

void stream_name(const struct stream *stream, uint32_t serial, char id[STREAM_ID_SIZE])
{
    snprintf(id, STREAM_ID_SIZE, "%08" PRIx32 "-%04" PRIx32 "-4%03" PRIx32 "-8000-%012" PRIx64,
             serial, stream->seed >> 12 & 0xFFF, stream->seed & 0xFFF,
             stream->size & 0xFFFFFFFFFFFF);
}

bool stream_of_id(const char *id, struct stream *stream)
{
    uint32_t serial, high, low;
    int length = 0;
    int fields = sscanf(id, "%8" SCNx32 "-%4" SCNx32 "-4%3" SCNx32 "-8000-%12" SCNx64 "%n", &serial,
                        &high, &low, &stream->size, &length);
    stream->seed = high << 12 | low;
    return fields == 4 && length == STREAM_ID_SIZE - 1;
}

/* The generator of Steele, Lea and Flood (SplitMix64): one step per eight bytes. */
static uint64_t noise(uint64_t *state)
{
    uint64_t word = *state += 0x9E3779B97F4A7C15;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
    word = (word ^ word >> 27) * 0x94D049BB133111EB;
    return word ^ word >> 31;
}

struct stream_room *stream_room_new(void)
{
    struct stream_room *room = malloc(sizeof *room);
    if (!room)
        return NULL;
    uint64_t state = 0;
    for (size_t at = 0; at < NOISE; at += sizeof(uint64_t)) {
        uint64_t word = noise(&state);
        memcpy(room->bytes + at, &word, sizeof word);
    }
    for (size_t at = NOISE; at < sizeof room->bytes; at += NOISE)
        memcpy(room->bytes + at, room->bytes, NOISE);
    return room;
}

void stream_room_free(struct stream_room *room)
{
    free(room);
}

/* Seed and block in different bits, times an odd number: no two are equal. */
static uint64_t block_number(const struct stream *stream, uint64_t position)
{
    return ((uint64_t)stream->seed << 40 | position / BLOCK) * 0xD1342543DE82EF95;
}

const unsigned char *stream_bytes(struct stream_room *room, const struct stream *stream,
                                  uint64_t position, size_t count)
{
    size_t first = position % NOISE;
    size_t block = first / BLOCK * BLOCK;
    position -= first - block;
    for (; block < first + count; block += BLOCK, position += BLOCK) {
        uint64_t number = block_number(stream, position);
        memcpy(room->bytes + block, &number, sizeof number);
    }
    return room->bytes + first;
}
