from datetime import UTC, datetime

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wallet", "0019_transfer_exports")]
    operations = [
        migrations.AddField(
            model_name="hold",
            name="expires_at",
            field=models.DateTimeField(default=datetime(2100, 1, 1, tzinfo=UTC)),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(
                    amount_minor__gt=models.expressions.CombinedExpression(
                        models.F("captured_minor"), "+", models.F("released_minor")
                    )
                ),
                fields=["expires_at"],
                name="wallet_hold_due",
            ),
        ),
    ]
