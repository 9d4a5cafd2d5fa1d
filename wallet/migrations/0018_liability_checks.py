from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0013_batch"),
        ("wallet", "0017_reconcile_payouts"),
    ]

    operations = [
        migrations.CreateModel(
            name="LiabilityCheck",
            fields=[
                ("id", models.UUIDField(default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("differences", models.JSONField()),
                ("checked_at", models.DateTimeField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="deposit",
            constraint=models.CheckConstraint(
                condition=models.Q(charged_back_minor__range=(0, models.F("amount_minor"))),
                name="wallet_deposit_taken_back_once",
            ),
        ),
    ]
