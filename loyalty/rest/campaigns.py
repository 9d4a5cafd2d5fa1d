"""Campaigns over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.pagination import whole
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from loyalty.rest import campaigns_forms as forms
from loyalty.selectors_programme import list_campaigns
from loyalty.services.campaigns import end_campaign, make_campaign


class CampaignList(ApiView):
    required_scopes = {"GET": "loyalty:read", "POST": "loyalty:write"}

    @extend_schema(operation_id="list_campaigns", responses=page_of(forms.CampaignSerializer))
    def get(self, request: Request) -> Response:
        """All campaigns, the one that begins last first."""
        return whole(list_campaigns(), forms.CampaignSerializer)

    @extend_schema(
        operation_id="make_campaign", request=forms.MakeCampaignSerializer, responses=forms.CampaignSerializer
    )
    def post(self, request: Request) -> Response:
        """Multiply points for a time; the same again gives the same campaign."""
        form = read(forms.MakeCampaignSerializer, request.data)
        done = make_campaign(**form, actor=actor_of(request), at=clock.now())
        return Response(forms.CampaignSerializer(done).data)


class EndCampaign(ApiView):
    required_scopes = {"POST": "loyalty:write"}

    @extend_schema(operation_id="end_campaign", request=forms.EndCampaignSerializer, responses=forms.CampaignSerializer)
    def post(self, request: Request, code: str) -> Response:
        """Let a campaign end earlier; one to come does not begin."""
        form = read(forms.EndCampaignSerializer, request.data)
        done = end_campaign(code=code, **form, actor=actor_of(request), at=clock.now())
        return Response(forms.CampaignSerializer(done).data)
