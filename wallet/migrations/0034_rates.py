from django.db import migrations

from kernel.db import replace_functions


class Migration(migrations.Migration):
    """Postings are stamped with the exchange rate that their events tell amounts in EUR by."""

    dependencies = [("wallet", "0033_close_purse"), ("kernel", "0006_rates_in_sql")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE wallet_transfer ADD COLUMN IF NOT EXISTS rate_id bigint", migrations.RunSQL.noop
        ),
        replace_functions(
            "wallet/sql/posting.sql",
            "wallet/sql/holds.sql",
            "wallet/sql/batch.sql",
            "wallet/sql/withdrawals.sql",
            "wallet/sql/reinstatement.sql",
        ),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
