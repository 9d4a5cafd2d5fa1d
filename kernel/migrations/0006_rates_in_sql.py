from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("kernel", "0005_exchange_rates")]
    operations = [run_sql("kernel/sql/fx.sql")]
