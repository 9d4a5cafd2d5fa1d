from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("wallet", "0001_initial"), ("players", "0002_functions"), ("events", "0002_log")]
    operations = [run_sql("wallet/sql/ledger.sql"), run_sql("wallet/sql/posting.sql")]
