from django.urls import path

from loyalty.rest import me, views

urlpatterns = [
    path("loyalty/levels", views.Levels.as_view(), name="loyalty-levels"),
    path("loyalty/<uuid:player_id>", views.Standing.as_view(), name="loyalty-standing"),
    path("loyalty/<uuid:player_id>/points", views.Points.as_view(), name="loyalty-points"),
    path("me/loyalty", me.MyStanding.as_view(), name="my-loyalty"),
    path("me/loyalty/points", me.MyPoints.as_view(), name="my-loyalty-points"),
]
