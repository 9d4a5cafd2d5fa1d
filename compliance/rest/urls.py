from django.urls import path

from compliance.rest import me_documents, views

urlpatterns = [
    path("compliance/approvals", views.Approvals.as_view(), name="approvals"),
    path("compliance/approvals/<uuid:approval_id>", views.Approval.as_view(), name="approval"),
    path("me/verification/documents", me_documents.MyDocuments.as_view(), name="my-documents"),
]
