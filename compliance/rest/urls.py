from django.urls import path

from compliance.rest import limits, sessions, views

urlpatterns = [
    path("compliance/approvals", views.Approvals.as_view(), name="approvals"),
    path("compliance/approvals/<uuid:approval_id>", views.Approval.as_view(), name="approval"),
    path("players/<uuid:player_id>/limits", limits.PlayerLimits.as_view(), name="player-limits"),
    path("me/limits", limits.MyLimits.as_view(), name="my-limits"),
    path("me/limits/prompt", limits.MyLimitPrompt.as_view(), name="my-limit-prompt"),
    path("me/limits/changes/<uuid:change_id>", limits.MyLimitChange.as_view(), name="my-limit-change"),
    path(
        "me/limits/changes/<uuid:change_id>/confirm",
        limits.MyLimitConfirmation.as_view(),
        name="my-limit-confirmation",
    ),
    path("me/play-session", sessions.MyPlaySession.as_view(), name="my-play-session"),
    path("me/play-session/reality-check", sessions.MyRealityCheck.as_view(), name="my-reality-check"),
    path("me/play-session/activity", sessions.MyActivity.as_view(), name="my-activity"),
    path("me/login-summary", sessions.MyLoginSummary.as_view(), name="my-login-summary"),
    path("me/play-settings", sessions.MyPlaySettings.as_view(), name="my-play-settings"),
    path("players/<uuid:player_id>/play-session", sessions.PlaySession.as_view(), name="play-session"),
    path("players/<uuid:player_id>/play-session/reality-check", sessions.RealityCheck.as_view(), name="reality-check"),
    path("players/<uuid:player_id>/game-rules", sessions.GameRules.as_view(), name="game-rules"),
]
