"""What a bonus purse holds after its time is the house's, whoever closes it."""

from django.db import migrations

from kernel.db import replace_functions


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0031_means_of_payment"),
    ]

    operations = [
        replace_functions("wallet/sql/posting.sql"),
        migrations.RunSQL("CALL wallet_keep_plans()", migrations.RunSQL.noop),
    ]
