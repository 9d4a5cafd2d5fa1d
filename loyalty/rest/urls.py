from django.urls import path

from loyalty.rest import views

urlpatterns = [
    path("loyalty/levels", views.Levels.as_view(), name="loyalty-levels"),
    path("loyalty/<uuid:player_id>", views.Standing.as_view(), name="loyalty-standing"),
    path("loyalty/<uuid:player_id>/points", views.Points.as_view(), name="loyalty-points"),
]
