/* SPDX-License-Identifier: Apache-2.0 */
/* Whole forms, and the image in each. The first ones were captured from clients. */
#ifndef UNIT_BODY_MULTIPART_VECTORS_H
#define UNIT_BODY_MULTIPART_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

struct multipart_vector {
    const char *name;
    const char *boundary;
    const char *body;
    size_t length;
    const char *image;
    size_t image_length;
    const char *filename; /* NULL: no file is seen */
    bool foretold;        /* the length it has is the length it was said to have */
    const char *fault;    /* NULL: none */
};

/* A string literal, which may have NULs in it, and its length. */
#define BYTES(text) (text), sizeof(text) - 1

#define CURL     "------------------------6dfd695a6ec2eaea"
#define POSTMAN  "--------------------------104482956781239507812345"
#define WEBKIT   "----WebKitFormBoundary7MA4YWxkTrZu0gW"
#define REQUESTS "cdb5ae2b91188a2ef6fa339e024d664f"

/* The form that most of the vectors vary: one file, and the boundary B. */
#define DISPOSITION(n) "Content-Disposition: form-data; name=\"" n "\""
#define FILE_HEAD      DISPOSITION("file") "; filename=\"i\"\r\n\r\n"
#define FORM(image)    "--B\r\n" FILE_HEAD image "\r\n--B--\r\n"
#define FIELD_OF(n)    "--B\r\n" DISPOSITION(n) "\r\n\r\nvalue\r\n"

#define QCOW2 "QFI\xfb\0\0\0\3\r\n\0\n\r--\r\n-\r\n--\0"

#define IN_THE_MIDDLE  "it ends in the middle"
#define NO_FILE        "none of its fields is a file: in the form, the field must be of the type file"
#define NO_BOUNDARY    "no line is the boundary that its Content-Type names"
#define NO_DISPOSITION "one of its parts has no Content-Disposition: form-data"
#define NO_FIELD_LINE  "the head of one of its parts has a line that is no header field"
#define NESTED         "one of its parts is a multipart of its own"
#define ENCODED        "its file has a Content-Transfer-Encoding, and must be sent as it is"

static const struct multipart_vector MULTIPART_VECTORS[] = {
    {"curl -F file=@img.qcow2", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" CURL "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},
    {"curl -F name=cirros -F file=@img.qcow2", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"name\"\r\n\r\ncirros\r\n--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" CURL "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},
    {"curl -F file=@img.qcow2 -F x=y", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--" CURL "--\r\n"),
     BYTES(QCOW2), "img.qcow2", false, NULL},
    {"curl -F =@img.qcow2", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" CURL "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},
    {"curl -F 'file=<img.qcow2'", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"\r\n\r\n" QCOW2 "\r\n--" CURL "--\r\n"),
     BYTES(""), NULL, false, NO_FILE},
    {"curl -F 'file=@img.qcow2;encoder=base64'", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           "UUZJ+wANCi0t\r\n--" CURL "--\r\n"),
     BYTES(""), NULL, false, ENCODED},
    {"curl -F file=@img.qcow2,img.qcow2", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: form-data; name=\"file\"\r\n"
           "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
           "Content-Disposition: attachment; filename=\"img.qcow2\"\r\n\r\nQFI\r\n--x--\r\n\r\n"
           "--" CURL "--\r\n"),
     BYTES(""), NULL, false, NESTED},
    {"curl -H 'Content-Type: application/octet-stream' -F name=cirros -F file=@img.qcow2", CURL,
     BYTES("--" CURL "\r\n"
           "Content-Disposition: attachment; name=\"name\"\r\n\r\ncirros\r\n--" CURL "\r\n"
           "Content-Disposition: attachment; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" CURL "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},
    {"Postman, form-data, fields before the file", POSTMAN,
     BYTES("--" POSTMAN "\r\n"
           "Content-Disposition: form-data; name=\"os\"\r\n\r\nlinux\r\n--" POSTMAN "\r\n"
           "Content-Disposition: form-data; name=\"arch\"\r\n\r\n\r\n--" POSTMAN "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" QCOW2 "\r\n--" POSTMAN "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},
    {"a browser's form", WEBKIT,
     BYTES("--" WEBKIT "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"caf\xc3\xa9 %22.iso\"\r\n"
           "Content-Type: application/x-cd-image\r\n\r\n" QCOW2 "\r\n--" WEBKIT "--\r\n"),
     BYTES(QCOW2), "caf? %22.iso", true, NULL},
    {"python-requests, data and files", REQUESTS,
     BYTES("--" REQUESTS "\r\n"
           "Content-Disposition: form-data; name=\"name\"\r\n\r\nc\r\n--" REQUESTS "\r\n"
           "Content-Disposition: form-data; name=\"file\"; filename=\"img.qcow2\"\r\n\r\n" QCOW2
           "\r\n--" REQUESTS "--\r\n"),
     BYTES(QCOW2), "img.qcow2", true, NULL},

    {"an image", "B", BYTES(FORM("image")), BYTES("image"), "i", true, NULL},
    {"an empty image", "B", BYTES(FORM("")), BYTES(""), "i", true, NULL},
    {"one byte", "B", BYTES(FORM("\r")), BYTES("\r"), "i", true, NULL},
    {"lines alone", "B", BYTES(FORM("\r\n\r\n")), BYTES("\r\n\r\n"), "i", true, NULL},
    {"a boundary in it with LF alone", "B", BYTES(FORM("x\n--B\r\ny\n--B--\r\nz")),
     BYTES("x\n--B\r\ny\n--B--\r\nz"), "i", true, NULL},
    {"a boundary in it with CR alone", "B", BYTES(FORM("x\r--B--\r")), BYTES("x\r--B--\r"), "i",
     true, NULL},
    {"a boundary and a letter more", "B", BYTES(FORM("x\r\n--Bx\r\ny")), BYTES("x\r\n--Bx\r\ny"),
     "i", true, NULL},
    {"a boundary and a dash more", "B", BYTES(FORM("x\r\n--B-\r\ny")), BYTES("x\r\n--B-\r\ny"), "i",
     true, NULL},
    {"a boundary, blanks and a letter", "B", BYTES(FORM("x\r\n--B \tx\r\ny")),
     BYTES("x\r\n--B \tx\r\ny"), "i", true, NULL},
    {"a boundary, blanks and dashes", "B", BYTES(FORM("x\r\n--B --\r\ny")),
     BYTES("x\r\n--B --\r\ny"), "i", true, NULL},
    {"a boundary and LF", "B", BYTES(FORM("x\r\n--B\ny")), BYTES("x\r\n--B\ny"), "i", true, NULL},
    {"a boundary and CR CR LF", "B", BYTES(FORM("x\r\n--B\r\r\ny")), BYTES("x\r\n--B\r\r\ny"), "i",
     true, NULL},
    {"a look-alike right before the end", "B", BYTES(FORM("x\r\n--B\r")), BYTES("x\r\n--B\r"), "i",
     true, NULL},
    {"another letter in the boundary", "BCD",
     BYTES("--BCD\r\n" FILE_HEAD "\r\n--BXD\r\n--BCX--\r\n--XCD--\r\n-xBCD\r\n--BCD--\r\n"),
     BYTES("\r\n--BXD\r\n--BCX--\r\n--XCD--\r\n-xBCD"), "i", true, NULL},
    {"the beginnings of a boundary", "BCD",
     BYTES("--BCD\r\n" FILE_HEAD "\r\r\n\r\n-\r\n--\r\n--B\r\n--BC\r\n--BCD--\r\n"),
     BYTES("\r\r\n\r\n-\r\n--\r\n--B\r\n--BC"), "i", true, NULL},
    {"CR CR LF before the boundary", "B", BYTES(FORM("x\r")), BYTES("x\r"), "i", true, NULL},
    {"a boundary of dashes", "--", BYTES("----\r\n" FILE_HEAD "--\r\n---\r\n------\r\n"),
     BYTES("--\r\n---"), "i", true, NULL},

    {"a preamble", "B", BYTES("This is a form.\r\n" FORM("image")), BYTES("image"), "i", true,
     NULL},
    {"a line in front", "B", BYTES("\r\n" FORM("image")), BYTES("image"), "i", true, NULL},
    {"a preamble that looks alike", "B", BYTES("--Bx\r\n --B\r\n" FORM("image")), BYTES("image"),
     "i", true, NULL},
    {"blanks behind the boundaries", "B",
     BYTES("--B \t\r\n" FILE_HEAD "image\r\n--B \r\n" DISPOSITION("x") "\r\n\r\n\r\n--B--  \r\n"),
     BYTES("image"), "i", false, NULL},
    {"no CRLF at the end", "B", BYTES("--B\r\n" FILE_HEAD "image\r\n--B--"), BYTES("image"), "i",
     false, NULL},
    {"nothing, and no CRLF at the end", "B", BYTES("--B\r\n" FILE_HEAD "\r\n--B--"), BYTES(""), "i",
     true, NULL},
    {"an epilogue", "B", BYTES(FORM("image") "\r\n--B\r\nthe end"), BYTES("image"), "i", false,
     NULL},
    {"fields around the file", "B",
     BYTES(FIELD_OF("a") FIELD_OF("b") "--B\r\n" FILE_HEAD "image\r\n" FIELD_OF("c") "--B--\r\n"),
     BYTES("image"), "i", false, NULL},
    {"a field whose value has a file in it", "B",
     BYTES("--B\r\n" DISPOSITION("a; filename=x") "\r\n\r\n" FILE_HEAD "\r\n"
                                                  "--B\r\n" FILE_HEAD "image\r\n--B--\r\n"),
     BYTES("image"), "i", true, NULL},
    {"a head in another order and other letters", "B",
     BYTES("--B\r\ncontent-type:x/y\r\nContent-transfer-encoding: BINARY\r\nX-Y: z\r\n"
           "CONTENT-DISPOSITION:\r\n\tFORM-DATA;FILENAME=i ; name=\"\"\r\n\r\nimage\r\n--B--\r\n"),
     BYTES("image"), "i", true, NULL},

    {"nothing", "B", BYTES(""), BYTES(""), NULL, false, NO_BOUNDARY},
    {"an image with no form", "B", BYTES(QCOW2), BYTES(""), NULL, false, NO_BOUNDARY},
    {"another boundary", "C", BYTES(FORM("image")), BYTES(""), NULL, false, NO_BOUNDARY},
    {"lines that end with LF", "B",
     BYTES("--B\nContent-Disposition: form-data; filename=i\n\nx\n--B--\n"), BYTES(""), NULL, false,
     NO_BOUNDARY},
    {"no parts", "B", BYTES("--B--\r\n"), BYTES(""), NULL, false, NO_FILE},
    {"fields alone", "B", BYTES(FIELD_OF("a") FIELD_OF("b") "--B--\r\n"), BYTES(""), NULL, false,
     NO_FILE},
    {"two files", "B", BYTES("--B\r\n" FILE_HEAD "one\r\n" FORM("two")), BYTES("one"), "i", false,
     "it has two files"},
    {"cut in the boundary", "B", BYTES("--"), BYTES(""), NULL, false, NO_BOUNDARY},
    {"cut in a head", "B", BYTES("--B\r\n" DISPOSITION("file") "; filename=\"i\"\r\n"), BYTES(""),
     NULL, false, IN_THE_MIDDLE},
    {"cut in a field", "B", BYTES("--B\r\n" DISPOSITION("a") "\r\n\r\nval"), BYTES(""), NULL, false,
     IN_THE_MIDDLE},
    {"cut behind the head of the file", "B", BYTES("--B\r\n" FILE_HEAD), BYTES(""), "i", false,
     IN_THE_MIDDLE},
    {"cut in the image", "B", BYTES("--B\r\n" FILE_HEAD "a long image"), BYTES("a long image"), "i",
     false, IN_THE_MIDDLE},
    {"cut in the last boundary", "B", BYTES("--B\r\n" FILE_HEAD "image\r\n--B-"), BYTES("image"),
     "i", false, IN_THE_MIDDLE},
    {"cut behind another boundary", "B", BYTES("--B\r\n" FILE_HEAD "image\r\n--B\r\n"),
     BYTES("image"), "i", false, IN_THE_MIDDLE},
    {"no disposition", "B", BYTES("--B\r\nContent-Type: x/y\r\n\r\nimage\r\n--B--\r\n"), BYTES(""),
     NULL, false, NO_DISPOSITION},
    {"an empty head", "B", BYTES("--B\r\n\r\nimage\r\n--B--\r\n"), BYTES(""), NULL, false,
     NO_DISPOSITION},
    {"another disposition", "B",
     BYTES("--B\r\nContent-Disposition: inline; filename=i\r\n\r\nx\r\n--B--\r\n"), BYTES(""), NULL,
     false, NO_DISPOSITION},
    {"a line that is no field", "B", BYTES("--B\r\nimage\r\n\r\n\r\n--B--\r\n"), BYTES(""), NULL,
     false, NO_FIELD_LINE},
    {"a field that is a multipart", "B",
     BYTES("--B\r\n" DISPOSITION("a") "\r\nContent-Type: Multipart/Mixed\r\n\r\n\r\n--B--\r\n"),
     BYTES(""), NULL, false, NESTED},
    {"an encoded file", "B",
     BYTES("--B\r\n" DISPOSITION("a") "; filename=i\r\nContent-Transfer-Encoding: "
                                      "quoted-printable\r\n\r\n=3D\r\n--B--\r\n"),
     BYTES(""), NULL, false, ENCODED},
    {"an encoded field in front of the file", "B",
     BYTES("--B\r\n" DISPOSITION("a") "\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n" FORM(
         "image")),
     BYTES("image"), "i", true, NULL},
};

enum { MULTIPART_VECTORS_COUNT = sizeof MULTIPART_VECTORS / sizeof *MULTIPART_VECTORS };

#endif
