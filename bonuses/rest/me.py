"""The player API: one's own bonuses, offers and codes."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bonuses.rest import forms
from bonuses.rules_terms import describe, title_of
from bonuses.selectors import UnknownGrant, get_grant, list_grants, list_offers
from bonuses.services import grants
from bonuses.services.codes import use_code
from bonuses.services.eligibility import stands_against
from bonuses.types import GrantDetails, OfferState
from bonuses.types_codes import CodeWaits
from kernel import clock
from kernel.rest.me import MeView, actor_of, me
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.serializers import page_of
from kernel.rest.views import read
from players.selectors import get_player


class MyBonuses(MeView):
    @extend_schema(operation_id="list_my_bonuses", parameters=[PageQuery], responses=page_of(forms.MyBonusSerializer))
    def get(self, request: Request) -> Response:
        """The player's bonuses, newest first, each with its terms."""
        query = read(PageQuery, request.query_params)
        player = get_player(me(request))
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_grants(player.id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        form = forms.my_grant_in(player.language)
        return page(request, rows, query["limit"], form, lambda row: (row.id,))


class MyOffers(MeView):
    @extend_schema(operation_id="list_my_offers", responses=page_of(forms.MyBonusOfferSerializer))
    def get(self, request: Request) -> Response:
        """Offers that are advertised to everybody, and that the player would get: with all their terms."""
        player, at = get_player(me(request)), clock.now()
        found = []
        for offer in list_offers(state=OfferState.LIVE):
            if offer.rule.public and not stands_against(offer=offer.code, player_id=player.id, at=at):
                found.append(
                    {
                        "code": offer.code,
                        "title": title_of(offer.rule, player.language),
                        "terms": describe(offer.rule, player.language, player.currency),
                    }
                )
        return whole(found, forms.MyBonusOfferSerializer)


class MyClaim(MeView):
    @extend_schema(operation_id="claim_my_bonus", request=None, responses=forms.MyBonusSerializer)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Take a bonus that is offered, by its terms. Taken already: the same answer."""
        _own(request, grant_id)
        return _mine(request, grants.claim(grant_id=grant_id, actor=actor_of(request), at=clock.now()))


class MyForfeit(MeView):
    @extend_schema(operation_id="forfeit_my_bonus", request=None, responses=forms.MyBonusSerializer)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Give a bonus up: what is in it is lost. Ended already: the same answer."""
        _own(request, grant_id)
        return _mine(request, grants.forfeit(grant_id=grant_id, reason="", actor=actor_of(request), at=clock.now()))


class MyCode(MeView):
    @extend_schema(operation_id="use_my_code", request=forms.MyBonusCodeForm, responses=forms.BonusCodeAnswerSerializer)
    def post(self, request: Request) -> Response:
        """Enter a bonus code. The same code again gives the same answer."""
        code = read(forms.MyBonusCodeForm, request.data)["code"]
        found = use_code(code=code, player_id=me(request), actor=actor_of(request), at=clock.now())
        waits = isinstance(found, CodeWaits)
        answer = {
            "grant": None if waits else found,
            "waits_until": found.until if isinstance(found, CodeWaits) else None,
        }
        return Response(forms.BonusCodeAnswerSerializer(answer).data)


def _own(request: Request, grant_id: UUID) -> None:
    """Raises: UnknownGrant, also of somebody else's bonus."""
    if get_grant(grant_id).player_id != me(request):
        raise UnknownGrant("There is no such bonus.")


def _mine(request: Request, found: GrantDetails) -> Response:
    language = get_player(me(request)).language
    return Response(forms.my_grant_in(language)(found).data)
