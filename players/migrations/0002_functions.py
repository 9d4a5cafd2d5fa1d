from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("players", "0001_initial"), ("kernel", "0001_functions")]
    operations = [run_sql("players/sql/players.sql")]
