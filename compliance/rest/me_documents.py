"""The player API: documents for one's own verification. They go in, and come out for staff only."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.selectors_documents import list_documents
from compliance.services.documents import MAX_BYTES, store_document
from compliance.types_documents import DocumentKind, DocumentSide
from kernel import clock
from kernel.rest.keys import read_key
from kernel.rest.me import MeView, actor_of, me
from kernel.rest.pagination import PageQuery, decode_cursor, page
from kernel.rest.parsers import FileParser
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import StrictSerializer, choice, page_of
from kernel.rest.views import read


class DocumentForm(StrictSerializer):
    """What the file in the body is."""

    kind = choice(DocumentKind)
    side = choice(DocumentSide, default=DocumentSide.WHOLE)
    step_id = serializers.UUIDField(
        required=False, help_text="What it is to prove. Left out: the open step that such a document proves."
    )


class DocumentSerializer(serializers.Serializer):
    """A document that was taken in. What is on it is kept sealed and is not given out here."""

    id = serializers.UUIDField()
    kind = choice(DocumentKind)
    side = choice(DocumentSide)
    step_id = serializers.UUIDField(allow_null=True)
    pages = serializers.IntegerField()
    uploaded_at = serializers.DateTimeField()


class MyDocuments(MeView):
    parser_classes = (FileParser,)
    max_body_bytes = MAX_BYTES

    @extend_schema(operation_id="list_my_documents", parameters=[PageQuery], responses=page_of(DocumentSerializer))
    def get(self, request: Request) -> Response:
        """The documents that the player has handed in, newest first."""
        query = read(PageQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_documents(me(request), before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], DocumentSerializer, lambda row: (row.id,))

    @extend_schema(
        operation_id="upload_my_document",
        parameters=[IDEMPOTENCY_KEY, DocumentForm],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: DocumentSerializer},
    )
    def post(self, request: Request) -> Response:
        """Hand in a document: the body is the file itself, a JPEG, PNG, WebP or PDF of at most 10 MiB."""
        key = read_key(request)
        form = read(DocumentForm, request.query_params.dict())
        document = store_document(
            player_id=me(request),
            kind=DocumentKind(form["kind"]),
            side=DocumentSide(form["side"]),
            step_id=form.get("step_id"),
            content=bytes(request.data or b""),  # type: ignore[arg-type]  # FileParser's bytes
            idempotency_key=key,
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(DocumentSerializer(document).data, status=201)
