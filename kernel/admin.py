"""Bases of the back office: read-only lists that never count, pages instead of forms, and who is asking.

Nothing here knows a domain. What staff may see and do is asked of ``kernel.access`` alone, through ``may``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator as UnfoldInfinitePaginator

from kernel import clock
from kernel.access import AccessDenied, allowed, narrowed
from kernel.actors import Actor
from kernel.context import acting
from kernel.denials import Denial, player_in, report_denial
from kernel.errors import DomainError, FieldErrors
from kernel.ids import uuid7, uuid7_unix_ms
from kernel.staff import actor_of

# How deep a list can be paged. Further back one gets by searching, or by the date filter.
LIST_DEPTH = 10_000


def staff_actor(request: HttpRequest) -> Actor:
    """The person at this request, with all that the roles grant. Kept for the length of the request."""
    actor: Actor | None = getattr(request, "_staff_actor", None)
    if actor is None:
        actor = actor_of(request.user)
        request._staff_actor = actor  # type: ignore[attr-defined]
    return actor


def may(request: HttpRequest, permission: str, subject: object = None) -> bool:
    """May the person at this request do this?"""
    return bool(allowed(staff_actor(request), permission, subject))


def need(request: HttpRequest, permission: str, subject: object = None) -> None:
    """Raises: PermissionDenied, with the reason."""
    decision = allowed(staff_actor(request), permission, subject)
    if not decision:
        raise PermissionDenied(decision.reason)


def note_refusal(request: HttpRequest, reason: str) -> None:
    """Tell the audit trail that the person at this request was refused."""
    address = request.resolver_match.kwargs if request.resolver_match else {}
    report_denial(Denial(staff_actor(request), request.path, reason, clock.now(), player_in(address)))


class ActorMiddleware:
    """Who is at a page (``kernel.context.acting``); and pages that somebody may not see: on the audit trail.

    What the API refuses, it reports itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = acting.set(lambda: staff_actor(request))
        try:
            return self.get_response(request)
        finally:
            acting.reset(token)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, PermissionDenied | AccessDenied) and request.user.is_authenticated:
            note_refusal(request, str(exception) or "not allowed")


def column(title: str, order: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """A list's column with this heading."""
    return admin.display(description=title, ordering=order, empty_value="–")


def recorded_at(row: Model) -> datetime:
    """When a row with a UUIDv7 key was written."""
    return datetime.fromtimestamp(uuid7_unix_ms(row.pk) / 1000, UTC)


# --- lists and pages -----------------------------------------------------------------------------------------------


class InfinitePaginator(UnfoldInfinitePaginator):
    """Previous and next, and no count: counting is what makes lists of millions slow.

    Named as Unfold's own, because its templates recognise it by name.
    """

    @cached_property
    def count(self) -> int:
        return LIST_DEPTH


class ReadOnlyAdmin(ModelAdmin):
    """A list that nobody edits. Whoever has the view permission sees it; nothing is counted."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    actions = None
    list_filter_sheet = True
    list_fullwidth = True

    # Which column holds the player that a row belongs to: staff see the rows of players whom they may see.
    player_path = ""

    @property
    def view_permission(self) -> str:
        return f"{self.opts.app_label}.view_{self.opts.model_name}"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, self.view_permission, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.visible(request, super().get_queryset(request))

    def visible(self, request: HttpRequest, rows: QuerySet[Any], action: str = "") -> QuerySet[Any]:
        """Those rows to whose players the person may do ``action``, which is seeing them unless named."""
        path = self.player_path or ("player_id" if _has_player(self.model) else "")
        return narrowed(staff_actor(request), action or self.view_permission, rows, path) if path else rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _has_player(model: type[Model]) -> bool:
    return any(field.attname == "player_id" for field in model._meta.concrete_fields)


@dataclass(frozen=True, slots=True)
class Crumb:
    """What Unfold's header takes for the row: it prints it, and asks its ``_meta`` and ``pk`` for links."""

    pk: object
    title: str
    _meta: Any

    def __str__(self) -> str:
        return self.title


class PageAdmin(ReadOnlyAdmin):
    """A list whose rows open a page made for reading, at the address of Django's change form."""

    page_template = "back_office/record.html"

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, object]:
        """What the page's template needs. ``facts`` (label, value) fill the plain one."""
        raise NotImplementedError

    def page_title(self, obj: Any) -> str:
        return str(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_or_404(request, object_id)
        context = {"object": obj, **self.page_context(request, obj)}
        return self.render(request, self.page_template, self.page_title(obj), context, obj.pk)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404  # what happened to a row is in the event log

    def get_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Raises: PermissionDenied, Http404."""
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        return obj

    def render(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any], pk: object = None
    ) -> HttpResponse:
        """A page of this list; ``pk`` is the row that it is about, for the way back at the top."""
        request.current_app = self.admin_site.name
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        original = Crumb(pk, title, self.opts) if pk else None
        return TemplateResponse(request, template, {**frame, "original": original, **context})

    def view_path(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """An address below this list, for staff only: named ``<app>_<model>_<name>``."""
        full_name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(view), name=full_name)

    def reverse(self, name: str, *args: object) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)


class LatestAdmin(PageAdmin):
    """A list of a table that grows for ever, keyed by UUIDv7: it looks at the newest rows only, never at all of them.

    A search by id or player looks everywhere through an index. ``owner`` is the column that holds the player.
    """

    ordering = ("-id",)
    owner = "player_id"
    date_parameter = "until"

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_filter(request), UntilFilter]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is None or not (match.url_name or "").endswith("_changelist") or request.GET.get("q"):
            return rows
        newest = self.listed(request, rows).order_by("-id")
        until = parse_day_end(request.GET.get(self.date_parameter, ""))
        if until:
            newest = newest.filter(id__lt=until)
        # Filters without an index run over this window alone.
        edge = list(newest.values_list("id", flat=True)[LIST_DEPTH - 1 : LIST_DEPTH])
        return newest.filter(id__gte=edge[0]) if edge else newest

    def listed(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """What the list shows when nothing is searched."""
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return self.search_by_text(request, queryset, search_term.strip()), False
        found = queryset.filter(id=wanted)
        return (found if found.exists() else queryset.filter(**{self.owner: wanted})), False

    def search_by_text(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Rows that a text which is no id names; none, unless the list knows an index for it."""
        return queryset.none()


def parse_day_end(text: str) -> UUID | None:
    """The day "2026-11-21" as the smallest UUIDv7 after that day (UTC); None when it is no day."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return UUID(int=uuid7(int((day.timestamp() + 86_400) * 1000)).int >> 80 << 80)


class UntilFilter(admin.SimpleListFilter):
    """Go back in time: the newest rows recorded up to the end of a day."""

    title = "recorded up to"
    parameter_name = LatestAdmin.date_parameter
    template = "back_office/until_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "now")]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset  # LatestAdmin.get_queryset moves its window

    def choices(self, changelist: Any) -> Iterable[dict[str, Any]]:  # type: ignore[override]
        kept = {k: v[0] for k, v in changelist.filter_params.items() if k != self.parameter_name}
        yield {"value": self.value() or "", "name": self.parameter_name, "kept": kept}


# --- acting --------------------------------------------------------------------------------------------------------


def act(
    request: HttpRequest,
    do: Callable[[], object],
    *,
    done: str | Callable[[], str],
    back: str,
    form: Any | None = None,
) -> HttpResponse | None:
    """Call a service for a form: say what was done and go back, or put its errors into the form and return None.

    ``done`` is asked afterwards where the words depend on what the service has answered.
    """
    try:
        do()
    except FieldErrors as error:
        if form is None:
            messages.error(request, error.detail)
            return HttpResponseRedirect(back)
        for field, texts in error.errors.items():
            form.add_error(field if field in form.fields else None, ValidationError(texts))
        return None
    except DomainError as error:
        if isinstance(error, AccessDenied):
            note_refusal(request, error.detail)
        messages.error(request, error.detail)
        return HttpResponseRedirect(back)
    messages.success(request, done() if callable(done) else done)
    return HttpResponseRedirect(back)
