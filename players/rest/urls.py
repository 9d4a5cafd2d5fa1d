from django.urls import path

from players.rest import me, me_security, views

urlpatterns = [
    path("players", views.Players.as_view(), name="players"),
    path("players/find", views.FindPlayer.as_view(), name="find-player"),
    path("players/<uuid:player_id>", views.Player.as_view(), name="player"),
    path("players/<uuid:player_id>/status", views.PlayerStatus.as_view(), name="player-status"),
    path("players/<uuid:player_id>/labels", views.Labels.as_view(), name="player-labels"),
    path("players/<uuid:player_id>/consents", views.Consents.as_view(), name="player-consents"),
    path("players/<uuid:player_id>/restrictions", views.Restrictions.as_view(), name="player-restrictions"),
    path(
        "players/<uuid:player_id>/restrictions/<uuid:restriction_id>/lift",
        views.RestrictionLift.as_view(),
        name="player-restriction-lift",
    ),
    path("registration-fields", me.RegistrationFields.as_view(), name="registration-fields"),
    path("me/profile", me.MyProfile.as_view(), name="my-profile"),
    path("me/preferences", me.MyPreferences.as_view(), name="my-preferences"),
    path("me/changes", me.MyChanges.as_view(), name="my-changes"),
    path("me/consents", me.MyConsents.as_view(), name="my-consents"),
    path("me/consents/history", me.MyConsentHistory.as_view(), name="my-consent-history"),
    path("me/restrictions", me.MyRestrictions.as_view(), name="my-restrictions"),
    path("me/labels", me.MyLabels.as_view(), name="my-labels"),
    path("me/sessions", me_security.MySessions.as_view(), name="my-sessions"),
    path("me/sessions/<uuid:session_id>", me_security.MySession.as_view(), name="my-session"),
    path("me/devices", me_security.MyDevices.as_view(), name="my-devices"),
    path("me/devices/<uuid:device_id>/trust", me_security.MyDeviceTrust.as_view(), name="my-device-trust"),
    path("me/sms-factor", me_security.MySmsFactor.as_view(), name="my-sms-factor"),
]
