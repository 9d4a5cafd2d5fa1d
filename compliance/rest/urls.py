from django.urls import path

from compliance.rest import limits, me_documents, views

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
    path("me/verification/documents", me_documents.MyDocuments.as_view(), name="my-documents"),
]
