"""Files that somebody might hand in: good ones, and every kind of bad one. Made here, so that nothing foreign lies about."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image, ImageDraw

from compliance.scanners import EICAR


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 400), **more: object) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 20), "SPECIMEN", fill="black")
    made = io.BytesIO()
    image.save(made, kind, **more)
    return made.getvalue()


def pdf(pages: int = 1, size: tuple[int, int] = (612, 792), *, extra: bytes = b"", catalog: bytes = b"") -> bytes:
    """A plain PDF with so many pages of a size in points."""
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(pages))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
        *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] >>" % size for _ in range(pages)],
    ]
    made, places = b"%PDF-1.7\n" + extra, []
    for number, body in enumerate(bodies, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        made
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            len(bodies) + 1,
            table,
            len(bodies) + 1,
            len(made),
        )
    )


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that would be gigabytes of points."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("run.sh", "echo hello")
    return made.getvalue()


def moving() -> bytes:
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    made = io.BytesIO()
    frames[0].save(made, "PNG", save_all=True, append_images=frames[1:])
    return made.getvalue()


# What is wrong with it -> the file, and the code that it is refused with.
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "huge": (picture() + bytes(10 * 1024 * 1024), "too_large"),
    "text": (b"my passport is in the post", "wrong_type"),
    "a web page": (b"<html><script>alert(1)</script></html>", "wrong_type"),
    "a drawing with a script": (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "wrong_type",
    ),
    "a GIF": (picture("GIF"), "wrong_type"),
    "an archive": (archive(), "wrong_type"),
    "a program": (b"MZ" + bytes(500), "wrong_type"),
    "a PDF behind some bytes": (b"GIF89a" + pdf(), "wrong_type"),
    "a picture and an archive": (picture() + archive(), "several_types"),
    "a picture and a PDF": (picture() + pdf(), "several_types"),
    "a picture with a script in its comment": (picture(comment=b"<script>alert(1)</script>"), "several_types"),
    "a picture that a PHP server would run": (picture("PNG") + b"<?php system('id');", "several_types"),
    "a PDF and an archive": (pdf() + archive(), "several_types"),
    "a bomb of points": (bomb(), "too_many_pixels"),
    "a picture just too large": (bomb(50_001, 1_000), "too_many_pixels"),
    "a stamp": (picture(size=(199, 400)), "too_small"),
    "a moving picture": (moving(), "moving"),
    "half a picture": (picture()[:2_000], "damaged"),
    "only the beginning of a PDF": (b"%PDF-1.7\nnothing follows", "damaged"),
    "a PDF without pages": (pdf(0), "damaged"),
    "a PDF of too many pages": (pdf(13), "too_many_pages"),
    "a PDF with a page like a field": (pdf(size=(14_000, 14_000)), "too_many_pixels"),
    "the EICAR file": (EICAR, "infected"),
    "EICAR in a picture": (picture(comment=EICAR), "infected"),
}
