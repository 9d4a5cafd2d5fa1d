import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tokens, labels and fingerprints go under the players' keys. Nothing was released with them in clear."""

    dependencies = [("wallet", "0022_purses_posting")]
    operations = [
        migrations.RemoveConstraint(model_name="instrument", name="wallet_instrument_once"),
        migrations.RemoveIndex(model_name="instrument", name="wallet_instrument_shared"),
        migrations.RemoveField(model_name="deposit", name="instrument"),
        migrations.RemoveField(model_name="instrument", name="fingerprint"),
        migrations.RemoveField(model_name="instrument", name="label"),
        migrations.RemoveField(model_name="instrument", name="token"),
        migrations.AddField(
            model_name="instrument",
            name="fingerprint_index",
            field=models.BinaryField(blank=True, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="instrument",
            name="sealed",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="instrument",
            name="token_index",
            field=models.BinaryField(default=b"", max_length=32),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="deposit",
            name="paid_with",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="wallet.instrument"
            ),
        ),
        migrations.AddIndex(
            model_name="instrument",
            index=models.Index(
                condition=models.Q(("fingerprint_index__isnull", False)),
                fields=["fingerprint_index"],
                name="wallet_instrument_shared",
            ),
        ),
        migrations.AddConstraint(
            model_name="instrument",
            constraint=models.UniqueConstraint(fields=("player", "token_index"), name="wallet_instrument_once"),
        ),
    ]
