from django.conf import settings
from django.db import migrations

from kernel.db import run_sql


class Migration(migrations.Migration):
    dependencies = [("wallet", "0011_kinds")]
    operations = [
        run_sql("wallet/sql/plans.sql"),
        run_sql("wallet/sql/house.sql", currencies=",".join(settings.PLAYER_CURRENCIES)),
    ]
