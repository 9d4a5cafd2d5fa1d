from django.db import migrations, models

from kernel.db import replace_functions


class Migration(migrations.Migration):
    dependencies = [("wallet", "0025_reinstated_deposits")]
    operations = [
        migrations.RemoveIndex(model_name="account", name="wallet_account_spins_end"),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(
                    ("active_until__isnull", False), ("closed_at", None), ("kind__in", ["bonus", "free_spins"])
                ),
                fields=["active_until"],
                name="wallet_account_ends",
            ),
        ),
        replace_functions(
            *(f"wallet/sql/{name}.sql" for name in ("posting", "holds", "adapters", "jackpots", "free_spins"))
        ),
        # As they were, without a moment. New databases never had them.
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS wallet_destination(wallet_account);"
            "DROP FUNCTION IF EXISTS wallet_winnings_of(wallet_transfer);"
            "CALL wallet_keep_plans()",
            migrations.RunSQL.noop,
        ),
    ]
