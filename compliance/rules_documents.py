"""What may be handed in as a document, read from its bytes alone: names and declared types are the sender's word."""

from __future__ import annotations

import re

MAX_BYTES = 10 * 1024 * 1024
MAX_PAGES = 12
MAX_PIXELS = 50_000_000  # of an image, or of a page as it is drawn
SMALLEST_SIDE = 200
LONGEST_SIDE = 3_000  # what is larger is kept this large: a reader sees no more
READING_SECONDS = 20

PDF, JPEG, PNG, WEBP = "application/pdf", "image/jpeg", "image/png", "image/webp"

# Code of a refusal -> what the sender is told. The codes are the API's.
REFUSALS = {
    "empty": "The file is empty.",
    "too_large": f"The file has more than {MAX_BYTES // 1024 // 1024} MiB: send a smaller picture or fewer pages.",
    "wrong_type": "This is neither a JPEG, PNG or WebP picture nor a PDF: send one of these.",
    "several_types": "The file is two kinds of file in one: save it anew as a plain picture or PDF.",
    "too_many_pixels": f"The picture or a page has more than {MAX_PIXELS // 1_000_000} million points: send a smaller one.",
    "too_small": f"The picture is less than {SMALLEST_SIDE} points wide or high: nobody could read it.",
    "too_many_pages": f"The document has more than {MAX_PAGES} pages: send only those that matter.",
    "moving": "The picture moves: send a still one.",
    "locked": "The PDF is protected by a password: send it without one.",
    "damaged": "The file cannot be read: it is damaged or cut off. Take or save it anew.",
    "too_slow": "The file takes too long to read: save it anew as a plain picture or PDF.",
    "infected": "A virus scanner refuses the file. Clean your device, then take the picture anew.",
}

# What other programs would take the same bytes for, wherever it stands in them.
_FOREIGN = re.compile(rb"<script|<\?php|<html|<!doctype|%PDF-", re.IGNORECASE)
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL = 66_000  # how far from its end a ZIP's directory may lie


class Unacceptable(Exception):
    """A file is refused. ``code`` is a key of ``REFUSALS``."""

    def __init__(self, code: str) -> None:
        super().__init__(REFUSALS[code])
        self.code = code


def type_of(content: bytes) -> str:
    """The media type by the first bytes. Raises: Unacceptable when it is none that is taken."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"%PDF-"):
        return PDF
    raise Unacceptable("wrong_type")


def check_size(content: bytes) -> None:
    """Raises: Unacceptable (empty, too large)."""
    if not content:
        raise Unacceptable("empty")
    if len(content) > MAX_BYTES:
        raise Unacceptable("too_large")


def check_type(content: bytes) -> str:
    """The media type of a file that is worth reading. Raises: Unacceptable (wrong or several types).

    Nothing is decoded here: pixels and pages are counted where the file is read.
    """
    media_type = type_of(content)
    # Pages and scripts inside of a PDF are its own: only pictures are looked through for them.
    if _ZIP_END in content[-_ZIP_TAIL:] or (media_type != PDF and _FOREIGN.search(content)):
        raise Unacceptable("several_types")
    return media_type
