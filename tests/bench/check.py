# SPDX-License-Identifier: Apache-2.0
"""Before any measurement: wrong bytes are detected.

Every byte of every transfer is compared, uploads by the sink and downloads by the generator, with data that
is known beforehand (stream.h).
"""
import http.client
import http.server
import threading

from servers import Failure

SIZE = 1 << 20
BLOCK = 4096


def image_id(serial, seed, size):
    """As stream_name() does."""
    return f"{serial:08x}-{seed >> 12:04x}-4{seed & 0xFFF:03x}-8000-{size:012x}"


def path_of(serial, seed=1, size=SIZE):
    return f"/v2/images/{image_id(serial, seed, size)}/file"


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def exchanged(data, one, other):
    """Two of its blocks are swapped."""
    blocks = [data[at:at + BLOCK] for at in range(0, len(data), BLOCK)]
    blocks[one], blocks[other] = blocks[other], blocks[one]
    return b"".join(blocks)


def spoilt(data, other):
    return {
        "one bit of the first byte": flipped(data, 0),
        "one bit in the middle": flipped(data, SIZE // 2 + 1234),
        "one bit of the last byte": flipped(data, SIZE - 1),
        "two blocks exchanged": exchanged(data, 3, 19),
        "a block missing": data[:BLOCK] + data[2 * BLOCK:],
        "a block twice": data[:BLOCK] + data,
        "a block of another upload": data[:BLOCK] + other[BLOCK:2 * BLOCK] + data[2 * BLOCK:],
    }


def check_uploads(port):
    status, data = ask(port, "GET", path_of(0))
    _, other = ask(port, "GET", path_of(0, seed=2))
    if status != 200 or len(data) != SIZE or ask(port, "PUT", path_of(0), data)[0] != 204:
        raise Failure("the sink does not take what it has given")
    for what, bad in spoilt(data, other).items():
        if ask(port, "PUT", path_of(0), bad)[0] != 400:
            raise Failure(f"the sink takes an upload with {what}")
    return data


def check_downloads(data, download):
    """`download(port)` tells whether the generator accepts a download from there."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name; http.server calls it so
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.data)))
            self.end_headers()
            self.wfile.write(self.server.data)

        def log_message(self, *arguments):  # pylint: disable=arguments-differ
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            for bad, served in ((False, data), (True, flipped(data, SIZE - 1))):
                server.data = served
                if download(server.server_address[1]) == bad:
                    raise Failure(f"the generator takes a download with a wrong bit: {bad}")
        finally:
            server.shutdown()
