import django.contrib.postgres.fields
from django.db import migrations, models

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0002_log")]
    operations = [
        run_sql("events/sql/audit.sql"),
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("chain", models.SmallIntegerField()),
                ("sequence", models.BigIntegerField()),
                ("epoch", models.SmallIntegerField()),
                ("xid", models.BigIntegerField()),
                ("action", models.TextField()),
                ("outcome", models.TextField(choices=[("done", "Done"), ("denied", "Denied"), ("failed", "Failed")])),
                ("actor_kind", models.TextField()),
                ("actor_id", models.TextField()),
                ("actor_roles", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("player_id", models.UUIDField(null=True, verbose_name="player")),
                ("object_type", models.TextField()),
                ("object_id", models.TextField()),
                ("reason", models.TextField()),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.TextField()),
                ("request_id", models.TextField()),
                ("occurred_at", models.DateTimeField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "verbose_name": "audit record",
                "db_table": "events_auditrecord",
                "permissions": [("export_audit", "Exports the audit trail")],
                "managed": False,
                "default_permissions": ["view"],
            },
        ),
    ]
