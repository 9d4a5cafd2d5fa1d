"""Reads one untrusted file and draws it anew, page by page: ``python -m compliance.document_reading < file``.

A program of its own, with little memory and time: what takes a reader down takes nothing else with it. Of the file
nothing but the points of its pages comes out: no metadata, scripts, attachments, or second file behind the first.
Knows neither Django nor the database.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
from collections.abc import Iterator

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from compliance import rules_documents as rules

_MEMORY = 1_500_000_000
_DPI = 150
_QUALITY = 88


def read_pages(content: bytes) -> list[bytes]:
    """The pages of a checked file as JPEGs. Raises: Unacceptable."""
    drawn = _pdf(content) if rules.type_of(content) == rules.PDF else _picture(content)
    return [_jpeg(page) for page in drawn]


def _picture(content: bytes) -> Iterator[Image.Image]:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = rules.MAX_PIXELS
    try:
        image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"])
        _check_size(*image.size)
        if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:  # a JPEG's others are thumbnails
            raise rules.Unacceptable("moving")
        yield ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise rules.Unacceptable("too_many_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise rules.Unacceptable("damaged") from None


def _pdf(content: bytes) -> Iterator[Image.Image]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise rules.Unacceptable("locked" if "password" in str(error).lower() else "damaged") from None
    if not len(document):
        raise rules.Unacceptable("damaged")
    if len(document) > rules.MAX_PAGES:
        raise rules.Unacceptable("too_many_pages")
    scale = _DPI / 72
    for page in document:
        try:
            width, height = page.get_size()
            _check_size(int(width * scale), int(height * scale))
            yield page.render(scale=scale, may_draw_forms=False).to_pil()
        except pypdfium2.PdfiumError:
            raise rules.Unacceptable("damaged") from None


def _check_size(width: int, height: int) -> None:
    if width * height > rules.MAX_PIXELS:
        raise rules.Unacceptable("too_many_pixels")
    if min(width, height) < rules.SMALLEST_SIDE:
        raise rules.Unacceptable("too_small")


def _jpeg(page: Image.Image) -> bytes:
    if page.mode in ("RGBA", "LA", "PA") or "transparency" in page.info:
        page = page.convert("RGBA")
        paper = Image.new("RGBA", page.size, "white")
        page = Image.alpha_composite(paper, page)
    page = page.convert("RGB")
    page.info.clear()  # comments and profiles would be written along
    page.thumbnail((rules.LONGEST_SIDE, rules.LONGEST_SIDE))
    drawn = io.BytesIO()
    page.save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()


def main() -> None:
    """Answers one line of JSON, {"refused": code} or {"sizes": [bytes of each page]}, then the pages."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (rules.READING_SECONDS, rules.READING_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer = sys.stdout.buffer
    try:
        pages = read_pages(sys.stdin.buffer.read())
    except rules.Unacceptable as refusal:
        answer.write(json.dumps({"refused": refusal.code}).encode() + b"\n")
    except MemoryError:
        answer.write(b'{"refused": "too_many_pixels"}\n')
    else:
        answer.write(json.dumps({"sizes": [len(page) for page in pages]}).encode() + b"\n" + b"".join(pages))


if __name__ == "__main__":
    main()
