from django.urls import path

from bonuses.rest import me, views

urlpatterns = [
    path("bonuses/offers", views.Offers.as_view(), name="bonus-offers"),
    path("bonuses/offers/<slug:code>", views.Offer.as_view(), name="bonus-offer"),
    path("bonuses/offers/<slug:code>/versions", views.Versions.as_view(), name="bonus-offer-versions"),
    path("bonuses/offers/<slug:code>/pause", views.OfferPause.as_view(), name="bonus-offer-pause"),
    path("bonuses/grants", views.Grants.as_view(), name="bonus-grants"),
    path("bonuses/grants/<uuid:grant_id>", views.Grant.as_view(), name="bonus-grant"),
    path("bonuses/grants/<uuid:grant_id>/forfeit", views.GrantForfeit.as_view(), name="bonus-grant-forfeit"),
    path("bonuses/code-batches", views.CodeBatches.as_view(), name="bonus-code-batches"),
    path("bonuses/code-batches/<uuid:batch_id>", views.CodeBatch.as_view(), name="bonus-code-batch"),
    path("bonuses/code-batches/<uuid:batch_id>/codes.csv", views.CodeBatchFile.as_view(), name="bonus-codes-file"),
    path("bonuses/code-batches/<uuid:batch_id>/close", views.CodeBatchClose.as_view(), name="bonus-code-batch-close"),
    path("bonuses/lists", views.Lists.as_view(), name="bonus-lists"),
    path("bonuses/lists/<uuid:list_id>", views.List.as_view(), name="bonus-list"),
    path("players/<uuid:player_id>/bonuses", views.PlayerGrants.as_view(), name="player-bonuses"),
    path("players/<uuid:player_id>/bonuses/eligibility", views.Eligibility.as_view(), name="bonus-eligibility"),
    path("me/bonuses", me.MyBonuses.as_view(), name="my-bonuses"),
    path("me/bonuses/offers", me.MyOffers.as_view(), name="my-bonus-offers"),
    path("me/bonuses/codes", me.MyCode.as_view(), name="my-bonus-codes"),
    path("me/bonuses/<uuid:grant_id>/claim", me.MyClaim.as_view(), name="my-bonus-claim"),
    path("me/bonuses/<uuid:grant_id>/forfeit", me.MyForfeit.as_view(), name="my-bonus-forfeit"),
]
