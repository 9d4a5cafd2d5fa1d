from django.urls import path

from wallet.rest import history, postings, views

urlpatterns = [
    path("wallet/plays", postings.play, name="plays"),
    path("wallet/bets", postings.bet, name="bets"),
    path("wallet/wins", postings.win, name="wins"),
    path("wallet/rollbacks", postings.rollback, name="rollbacks"),
    path("wallet/deposits", views.Deposits.as_view(), name="deposits"),
    path("wallet/deposits/<uuid:deposit_id>", views.Deposit.as_view(), name="deposit"),
    path("wallet/games", views.Games.as_view(), name="games"),
    path("players/<uuid:player_id>/balance", postings.balance, name="balance"),
    path("players/<uuid:player_id>/transactions", history.Transactions.as_view(), name="transactions"),
    path("players/<uuid:player_id>/transactions.csv", history.TransactionsFile.as_view(), name="transactions-file"),
    path("players/<uuid:player_id>/rounds", history.Rounds.as_view(), name="rounds"),
]
