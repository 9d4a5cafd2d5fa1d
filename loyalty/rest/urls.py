from django.urls import path

from loyalty.rest import campaigns, me, redemptions, views

urlpatterns = [
    path("loyalty/levels", views.Levels.as_view(), name="loyalty-levels"),
    path("loyalty/programmes", views.ProgrammeList.as_view(), name="loyalty-programmes"),
    path(
        "loyalty/programmes/<slug:code>/versions",
        views.ProgrammeVersions.as_view(),
        name="loyalty-programme-versions",
    ),
    path("loyalty/campaigns", campaigns.CampaignList.as_view(), name="loyalty-campaigns"),
    path("loyalty/campaigns/<slug:code>/end", campaigns.EndCampaign.as_view(), name="loyalty-campaign-end"),
    path("loyalty/status/update", views.StatusUpdate.as_view(), name="loyalty-status-update"),
    path("loyalty/points/add", redemptions.AddPoints.as_view(), name="loyalty-points-add"),
    path("loyalty/redemptions/<uuid:redemption_id>", redemptions.OneRedemption.as_view(), name="loyalty-redemption"),
    path(
        "loyalty/redemptions/<uuid:redemption_id>/confirm",
        redemptions.Confirm.as_view(),
        name="loyalty-redemption-confirm",
    ),
    path(
        "loyalty/redemptions/<uuid:redemption_id>/reject",
        redemptions.Reject.as_view(),
        name="loyalty-redemption-reject",
    ),
    path("loyalty/<uuid:player_id>/catalogue", redemptions.Catalogue.as_view(), name="loyalty-catalogue"),
    path("loyalty/<uuid:player_id>/redemptions", redemptions.Redemptions.as_view(), name="loyalty-redemptions"),
    path("me/loyalty/catalogue", redemptions.MyCatalogue.as_view(), name="my-loyalty-catalogue"),
    path("me/loyalty/redemptions", redemptions.MyRedemptions.as_view(), name="my-loyalty-redemptions"),
    path("loyalty/<uuid:player_id>", views.Standing.as_view(), name="loyalty-standing"),
    path("loyalty/<uuid:player_id>/points", views.Points.as_view(), name="loyalty-points"),
    path("loyalty/<uuid:player_id>/accruals", views.Accruals.as_view(), name="loyalty-accruals"),
    path("loyalty/<uuid:player_id>/level-changes", views.LevelChanges.as_view(), name="loyalty-level-changes"),
    path("me/loyalty", me.MyStanding.as_view(), name="my-loyalty"),
    path("me/loyalty/levels", me.MyLevels.as_view(), name="my-loyalty-levels"),
    path("me/loyalty/points", me.MyPoints.as_view(), name="my-loyalty-points"),
    path("me/loyalty/level-changes", me.MyLevelChanges.as_view(), name="my-loyalty-level-changes"),
]
