from django.db import migrations

from kernel.db import replace_functions


class Migration(migrations.Migration):
    dependencies = [("wallet", "0025_reinstated_deposits"), ("compliance", "0006_gate")]
    operations = [
        replace_functions("wallet/sql/posting.sql", "wallet_bet", "wallet_win", "wallet_rollback"),
        replace_functions("wallet/sql/holds.sql", "wallet_reserve", "wallet_settle_hold"),
        replace_functions("wallet/sql/adapters.sql", "wallet_free_bet", "wallet_adapter_rollback"),
        replace_functions("wallet/sql/jackpots.sql", "wallet_pay_jackpot"),
        replace_functions("wallet/sql/tournaments.sql", "wallet_buy_in", "wallet_end_tournament"),
        replace_functions("wallet/sql/batch.sql", "wallet_bet_batch"),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
