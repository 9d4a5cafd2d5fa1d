from django.urls import path

from compliance.rest import kyc, kyc_webhooks, me_documents, views

urlpatterns = [
    path("compliance/approvals", views.Approvals.as_view(), name="approvals"),
    path("compliance/approvals/<uuid:approval_id>", views.Approval.as_view(), name="approval"),
    path("compliance/kyc/cases", kyc.Cases.as_view(), name="kyc-cases"),
    path("compliance/kyc/cases/<uuid:case_id>", kyc.Case.as_view(), name="kyc-case"),
    path("me/verification", kyc.MyVerification.as_view(), name="my-verification"),
    path("me/verification/check", kyc.MyCheck.as_view(), name="my-verification-check"),
    path("me/verification/grace", kyc.MyGrace.as_view(), name="my-verification-grace"),
    path("webhooks/kyc/<str:provider>", kyc_webhooks.receive, name="kyc-webhook"),
    path("me/verification/documents", me_documents.MyDocuments.as_view(), name="my-documents"),
]
