"""All addresses of the system: the back office, and what integrators call."""

from django.contrib import admin
from django.urls import include, path

from pms import urls_api

urlpatterns = [
    path("admin/sso/", include("pms.staff_sso")),
    path("admin/sso/", include("pms.staff_saml")),
    path("admin/", admin.site.urls),
    path("_allauth/", include("pms.player_auth.urls")),  # players register and log in here
    *urls_api.urlpatterns,
]

# Problems for the API, ordinary pages elsewhere.
handler400 = urls_api.handler400
handler404 = urls_api.handler404
handler500 = urls_api.handler500
