from django.urls import path

from wallet.adapters.views import adapter

urlpatterns = [path("<slug:protocol>/<slug:integration>/<path:endpoint>", adapter, name="adapter")]
