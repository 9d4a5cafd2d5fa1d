from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("wallet", "0021_purses")]
    operations = [
        run_sql("wallet/sql/jackpots.sql"),
        run_sql("wallet/sql/rounds.sql"),
        run_sql("wallet/sql/free_spins.sql"),
        run_sql("wallet/sql/tournaments.sql"),
        run_sql("wallet/sql/fees.sql"),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
