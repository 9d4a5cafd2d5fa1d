from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("kernel", "0002_idempotency_key")]
    operations = [run_sql("events/sql/log.sql")]
