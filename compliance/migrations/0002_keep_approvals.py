from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial")]
    operations = [run_sql("compliance/sql/approvals.sql")]
