from django.urls import path

from compliance.rest import exclusions, kyc, kyc_webhooks, limits, me_documents, me_exclusions, views

urlpatterns = [
    path("compliance/approvals", views.Approvals.as_view(), name="approvals"),
    path("compliance/approvals/<uuid:approval_id>", views.Approval.as_view(), name="approval"),
    path("compliance/decisions", views.Decisions.as_view(), name="decisions"),
    path("me/verification/documents", me_documents.MyDocuments.as_view(), name="my-documents"),
    path("players/<uuid:player_id>/limits", limits.PlayerLimits.as_view(), name="player-limits"),
    path("me/limits", limits.MyLimits.as_view(), name="my-limits"),
    path("me/limits/prompt", limits.MyLimitPrompt.as_view(), name="my-limit-prompt"),
    path("me/limits/changes/<uuid:change_id>", limits.MyLimitChange.as_view(), name="my-limit-change"),
    path(
        "me/limits/changes/<uuid:change_id>/confirm",
        limits.MyLimitConfirmation.as_view(),
        name="my-limit-confirmation",
    ),
    path("compliance/exclusions", exclusions.Exclusions.as_view(), name="exclusions"),
    path("compliance/exclusions/<uuid:exclusion_id>", exclusions.Exclusion.as_view(), name="exclusion"),
    path(
        "compliance/exclusions/<uuid:exclusion_id>/end-requests",
        exclusions.ExclusionEnd.as_view(),
        name="exclusion-end",
    ),
    path("players/<uuid:player_id>/exclusion-offers", exclusions.ExclusionOffers.as_view(), name="exclusion-offers"),
    path("players/<uuid:player_id>/register-checks", exclusions.RegisterChecks.as_view(), name="register-checks"),
    path("me/exclusion-offers", me_exclusions.MyExclusionOffers.as_view(), name="my-exclusion-offers"),
    path("me/exclusions", me_exclusions.MyExclusions.as_view(), name="my-exclusions"),
    path("me/exclusions/panic", me_exclusions.MyPanicButton.as_view(), name="my-panic-button"),
    path(
        "me/exclusions/<uuid:exclusion_id>/end-requests",
        me_exclusions.MyExclusionEnd.as_view(),
        name="my-exclusion-end",
    ),
    path("compliance/kyc/cases", kyc.Cases.as_view(), name="kyc-cases"),
    path("compliance/kyc/cases/<uuid:case_id>", kyc.Case.as_view(), name="kyc-case"),
    path("me/verification", kyc.MyVerification.as_view(), name="my-verification"),
    path("me/verification/check", kyc.MyCheck.as_view(), name="my-verification-check"),
    path("me/verification/grace", kyc.MyGrace.as_view(), name="my-verification-grace"),
    path("webhooks/kyc/<str:provider>", kyc_webhooks.receive, name="kyc-webhook"),
]
