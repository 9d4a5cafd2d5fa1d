from django.urls import path

from players.rest import views

urlpatterns = [
    path("players", views.Players.as_view(), name="players"),
    path("players/<uuid:player_id>", views.Player.as_view(), name="player"),
    path("players/<uuid:player_id>/status", views.PlayerStatus.as_view(), name="player-status"),
    path("players/<uuid:player_id>/labels", views.Labels.as_view(), name="player-labels"),
    path("players/<uuid:player_id>/restrictions", views.Restrictions.as_view(), name="player-restrictions"),
    path(
        "players/<uuid:player_id>/restrictions/<uuid:restriction_id>/lift",
        views.RestrictionLift.as_view(),
        name="player-restriction-lift",
    ),
]
