"""What every API needs beside its resources: description, docs, problems' catalogue, health."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from kernel.rest import health, problems

_OPEN = {"permission_classes": [AllowAny], "authentication_classes": [], "throttle_classes": []}

urlpatterns = [
    path("api/schema/", SpectacularAPIView.as_view(**_OPEN), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(**_OPEN), name="api-docs"),
    path("api/docs/problems", problems.catalogue, name="problems"),
    path("healthz", health.healthz, name="healthz"),
    path("livez", health.livez, name="livez"),
]
