from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("wallet", "0008_adjustments")]
    operations = [run_sql("wallet/sql/history.sql")]
