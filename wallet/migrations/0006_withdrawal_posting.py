from django.db import migrations

from kernel.db import run_sql

RULES = [("", 100_00, 10), ("gold", 1_000_00, 40), ("platinum", 5_000_00, 40)]


def seed(apps, schema_editor):
    apps.get_model("wallet", "WithdrawalPolicy").objects.create()
    for level, up_to_minor, max_score in RULES:
        apps.get_model("wallet", "ApprovalRule").objects.create(
            level=level, currency="EUR", up_to_minor=up_to_minor, max_score=max_score
        )


class Migration(migrations.Migration):
    dependencies = [("wallet", "0005_payments")]
    operations = [
        run_sql("wallet/sql/withdrawals.sql"),
        migrations.RunSQL("CALL kernel_make_append_only('wallet_providermessage')", migrations.RunSQL.noop),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
