from django.urls import path

from wallet.rest import game_sessions, postings, views

urlpatterns = [
    path("wallet/plays", postings.play, name="plays"),
    path("wallet/bets", postings.bet, name="bets"),
    path("wallet/wins", postings.win, name="wins"),
    path("wallet/rollbacks", postings.rollback, name="rollbacks"),
    path("wallet/deposits", views.Deposits.as_view(), name="deposits"),
    path("wallet/deposits/<uuid:deposit_id>", views.Deposit.as_view(), name="deposit"),
    path("wallet/game-sessions", game_sessions.GameSessions.as_view(), name="game-sessions"),
    path("wallet/game-sessions/<uuid:session_id>", game_sessions.GameSession.as_view(), name="game-session"),
    path(
        "wallet/game-sessions/<uuid:session_id>/revoke",
        game_sessions.GameSessionRevocation.as_view(),
        name="game-session-revocation",
    ),
    path("wallet/games", views.Games.as_view(), name="games"),
    path("players/<uuid:player_id>/balance", postings.balance, name="balance"),
    path("players/<uuid:player_id>/transactions", views.Transactions.as_view(), name="transactions"),
]
