from django.db import migrations

from kernel.db import replace_functions


class Migration(migrations.Migration):
    dependencies = [("wallet", "0026_expiry"), ("compliance", "0008_gate")]
    operations = [
        replace_functions(
            "wallet/sql/posting.sql",
            "wallet/sql/holds.sql",
            "wallet/sql/adapters.sql",
            "wallet/sql/jackpots.sql",
            "wallet/sql/tournaments.sql",
            "wallet/sql/batch.sql",
        ),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
