from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("wallet", "0012_posting_plans")]
    operations = [run_sql("wallet/sql/batch.sql")]
