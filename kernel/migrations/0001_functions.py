from django.db import migrations

from kernel.currencies import EXPONENTS
from kernel.db import run_sql


def exponent_cases() -> str:
    codes = {
        digits: ", ".join(f"'{code}'" for code, d in sorted(EXPONENTS.items()) if d == digits)
        for digits in set(EXPONENTS.values()) - {2}
    }
    return " ".join(f"WHEN p_currency IN ({codes[digits]}) THEN {digits}" for digits in sorted(codes))


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [run_sql("kernel/sql/kernel.sql", exponents=exponent_cases())]
