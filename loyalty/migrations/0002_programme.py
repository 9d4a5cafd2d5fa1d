from decimal import Decimal

from django.db import migrations

from kernel.db import run_sql

LEVELS = [
    # code, name, entered at a turnover of EUR, multiplier, cashback, privileges
    ("bronze", "Bronze", 0, "1", "0", []),
    ("silver", "Silver", 10_000, "1.1", "0.01", []),
    ("gold", "Gold", 50_000, "1.25", "0.02", ["email_support"]),
    ("platinum", "Platinum", 200_000, "1.5", "0.03", ["email_support", "personal_manager"]),
]
COEFFICIENTS = {"slots": "1", "crash": "1", "table": "0.5", "live": "1.5", "other": "1", "exclusive": "2"}


def seed(apps, schema_editor):
    level = apps.get_model("loyalty", "Level")
    for order, (code, name, threshold, multiplier, cashback, privileges) in enumerate(LEVELS):
        level.objects.create(
            code=code,
            name=name,
            order=order,
            threshold_eur=threshold,
            multiplier=Decimal(multiplier),
            cashback=Decimal(cashback),
            privileges=privileges,
        )
    for category, coefficient in COEFFICIENTS.items():
        apps.get_model("loyalty", "Coefficient").objects.create(category=category, coefficient=Decimal(coefficient))
    apps.get_model("loyalty", "Programme").objects.create(id=1, points_per_eur=1)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial"), ("kernel", "0001_functions")]
    operations = [
        run_sql("loyalty/sql/projection.sql"),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
