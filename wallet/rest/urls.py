from django.urls import path

from wallet.rest import batches, game_sessions, history, holds, payments, postings, views, webhooks

urlpatterns = [  # what is called most comes first: patterns are tried in order
    path("players/<uuid:player_id>/balance", postings.balance, name="balance"),
    path("wallet/plays", postings.play, name="plays"),
    path("wallet/bets", postings.bet, name="bets"),
    path("wallet/bets:batch", batches.place, name="bets-batch"),
    path("wallet/wins", postings.win, name="wins"),
    path("wallet/rollbacks", postings.rollback, name="rollbacks"),
    path("wallet/holds", holds.reserve, name="holds"),
    path("wallet/holds/<uuid:hold_id>", holds.Hold.as_view(), name="hold"),
    path("wallet/holds/<uuid:hold_id>/capture", holds.capture, name="hold-capture"),
    path("wallet/holds/<uuid:hold_id>/release", holds.release, name="hold-release"),
    path("players/<uuid:player_id>/holds", holds.PlayerHolds.as_view(), name="player-holds"),
    path("wallet/deposits", views.Deposits.as_view(), name="deposits"),
    path("wallet/deposits/<uuid:deposit_id>", views.Deposit.as_view(), name="deposit"),
    path("wallet/deposits/<uuid:deposit_id>/cancel", views.DepositCancellation.as_view(), name="deposit-cancel"),
    path("wallet/game-sessions", game_sessions.GameSessions.as_view(), name="game-sessions"),
    path("wallet/game-sessions/<uuid:session_id>", game_sessions.GameSession.as_view(), name="game-session"),
    path(
        "wallet/game-sessions/<uuid:session_id>/revoke",
        game_sessions.GameSessionRevocation.as_view(),
        name="game-session-revocation",
    ),
    path("wallet/instruments", payments.Instruments.as_view(), name="instruments"),
    path("wallet/withdrawals", payments.Withdrawals.as_view(), name="withdrawals"),
    path("wallet/withdrawals/<uuid:withdrawal_id>", payments.Withdrawal.as_view(), name="withdrawal"),
    path("wallet/withdrawals/<uuid:withdrawal_id>/cancel", payments.Cancellation.as_view(), name="withdrawal-cancel"),
    path("webhooks/payments/<str:provider>", webhooks.receive, name="payment-webhook"),
    path("players/<uuid:player_id>/instruments", payments.PlayerInstruments.as_view(), name="player-instruments"),
    path("players/<uuid:player_id>/withdrawals", payments.PlayerWithdrawals.as_view(), name="player-withdrawals"),
    path("wallet/games", views.Games.as_view(), name="games"),
    path("players/<uuid:player_id>/transactions", history.Transactions.as_view(), name="transactions"),
    path("players/<uuid:player_id>/transactions.csv", history.TransactionsFile.as_view(), name="transactions-file"),
    path("players/<uuid:player_id>/rounds", history.Rounds.as_view(), name="rounds"),
]
