from django.db import migrations

from kernel.db import replace_functions


class Migration(migrations.Migration):
    """A purse is closed with a cap on what becomes real money."""

    dependencies = [("wallet", "0032_late_releases")]

    operations = [
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS wallet_close_purse(uuid, uuid, text, text, text, timestamptz, text, text)",
            migrations.RunSQL.noop,
        ),
        replace_functions("wallet/sql/posting.sql"),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
