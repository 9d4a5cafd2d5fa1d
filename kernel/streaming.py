"""Answers that are sent as they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def csv_download(request: HttpRequest, chunks: Iterator[bytes], file_name: str) -> StreamingHttpResponse:
    """A table to save."""
    return download(request, chunks, file_name, "text/csv; charset=utf-8")


def download(request: HttpRequest, chunks: Iterator[bytes], file_name: str, content_type: str) -> StreamingHttpResponse:
    """A file to save. Under ASGI Django would collect an ordinary iterator whole before it sends any of it."""
    content = _in_threads(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["Cache-Control"] = "no-store"
    return response


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    try:
        while (chunk := await following()) is not None:
            yield chunk
    finally:
        await sync_to_async(chunks.close, thread_sensitive=False)()  # type: ignore[attr-defined]
