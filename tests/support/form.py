# SPDX-License-Identifier: Apache-2.0
"""multipart/form-data as the usual clients write it (RFC 7578), and as no client should."""

BOUNDARY = "--------------------------123456789012345678901234"  # as Postman writes it


def declared(boundary=BOUNDARY):
    return f"Content-Type: multipart/form-data; boundary={boundary}"


def part(disposition, body, *fields):
    lines = [f"Content-Disposition: {disposition}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def field(name, value):
    return part(f'form-data; name="{name}"', value.encode())


def file(body, name="cirros.img", *fields):
    """The part with the image."""
    return part(f'form-data; name="file"; filename="{name}"', body,
                *(fields or ["Content-Type: application/octet-stream"]))


def form(*parts, boundary=BOUNDARY, preamble=b"", end=b"--\r\n"):
    mark = b"--" + boundary.encode()
    begun = preamble + b"".join(mark + b"\r\n" + each + b"\r\n" for each in parts)
    return begun + mark + end
