/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a refusal where the upload makes its own image. The table of refusals speaks of an
 * image that waits for data; here there is none, since it goes with the upload. */
#include "reply/new_image.h"

#include <stddef.h>

#define CURL     "curl -T FILE -H 'X-Auth-Token: TOKEN' {url}"
#define NO_IMAGE "No image was left behind"
#define AGAIN    "Try again in a moment; if it fails again, give the operator the request_id."

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long texts are joined */
static const struct {
    enum refusal refusal;
    struct refusal_words words;
} WORDS[] = {
    {REFUSAL_BAD_REQUEST,
     {"The upload was not begun, because its address, its head or its form cannot be used{detail}. "
      "Correct that and send the file again.",
      CURL}},
    {REFUSAL_FORMAT_MISMATCH,
     {"The data is not in the format that the address or the form names{detail}. " NO_IMAGE
      ": leave out disk_format and container_format, and they are found in the data.",
      CURL}},
    {REFUSAL_UNSAFE_FORMAT,
     {"The image could make the host that opens it read files of that host{detail}. " NO_IMAGE
      ": make a copy that needs no other file, and send the copy.",
      "qemu-img convert -O {qemu} FILE COPY{then}{upload_copy}"}},
    {REFUSAL_TRUNCATED,
     {"The image data is shorter than its own header says, so a part of the file is "
      "missing{detail}. " NO_IMAGE ": compare the file with its original, and send the whole file.",
      CURL}},
    {REFUSAL_COMPRESSED,
     {"The data is compressed, and no hypervisor decompresses an image{detail}. " NO_IMAGE
      ": decompress the file and send the result.",
      "{decompress}"}},
    {REFUSAL_SIZE_MISMATCH,
     {"The upload does not have the size that was announced{detail}. " NO_IMAGE
      ": send the file with curl -T FILE, which announces the right length.",
      CURL}},
    {REFUSAL_DIGEST_MISMATCH,
     {"The data does not have the digest that was promised for it{detail}. " NO_IMAGE
      ": compare the file with its digest, then send it again.",
      "sha256sum FILE && " CURL}},
    {REFUSAL_CLIENT_STALLED,
     {"The client sent no more data, so the request was ended{detail}. " NO_IMAGE
      ": check the network, then send the file again.",
      CURL}},
    {REFUSAL_VERIFY_FAILED,
     {"Glance accepted the upload, but it does not have the image that was sent{detail}. " NO_IMAGE
      ": send the file again.",
      AGAIN}},
    {REFUSAL_GLANCE_FAILED,
     {"Glance closed the connection, or its answer cannot be read{detail}. " NO_IMAGE
      ": try again in a moment.",
      AGAIN}},
    {REFUSAL_GLANCE_TIMEOUT,
     {"Glance did not answer in time{detail}. " NO_IMAGE ": try again in a moment.", AGAIN}},
    {REFUSAL_UPLOAD_IN_PROGRESS,
     {"The same upload is in progress in another request{detail}. Wait for its end, then send "
      "this one again: it answers with the image that is there.",
      CURL}},
    {REFUSAL_OUT_OF_MEMORY,
     {"This proxy does not have enough memory and has ended the request{detail}. " NO_IMAGE
      ": try again in a moment.",
      AGAIN}},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

const struct refusal_words *words_for_new_image(enum refusal refusal)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (WORDS[i].refusal == refusal)
            return &WORDS[i].words;
    return NULL;
}
