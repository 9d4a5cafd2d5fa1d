"""The standard programme from the levels that were; standings, entries and points from what was kept of them."""

import hashlib
import json
from datetime import UTC, datetime

from django.db import migrations
from django.utils import timezone

# From the beginning: bets of long ago are counted by it too.
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

_TAKE_OVER = """
INSERT INTO loyalty_standing (player_id, programme, turnover_eur, earned, level, entered, level_since, grace_until, held,
                              last_bet_at)
SELECT player_id, 'standard', turnover_eur, earned, level_id, level_id, level_since, now() + interval '30 days', '',
       last_bet_at
FROM loyalty_old_standing;

INSERT INTO loyalty_accrual (id, player_id, bet_id, kind, turnover_eur, coefficient, multiplier, promotion, earned,
                             occurred_at)
SELECT id, player_id, bet_id, kind, turnover_eur, coefficient, multiplier, 1, earned, occurred_at
FROM loyalty_old_pointsentry;

INSERT INTO loyalty_turnoverday (player_id, day, turnover_eur)
SELECT entry.player_id, (coalesce(bet.occurred_at, entry.occurred_at) AT TIME ZONE 'UTC')::date, sum(entry.turnover_eur)
FROM loyalty_old_pointsentry entry
LEFT JOIN loyalty_old_pointsentry bet ON entry.kind = 'rollback' AND bet.bet_id = entry.bet_id AND bet.kind = 'bet'
GROUP BY 1, 2;

INSERT INTO loyalty_levelchange (id, player_id, programme, from_level, to_level, cause, turnover_eur, changed_at)
SELECT change.id, change.player_id, 'standard', change.from_level_id, change.to_level_id,
       CASE WHEN upper.threshold_eur > lower.threshold_eur THEN 'turnover' ELSE 'rollback' END, change.turnover_eur,
       change.changed_at
FROM loyalty_old_levelchange change
JOIN loyalty_old_level lower ON lower.code = change.from_level_id
JOIN loyalty_old_level upper ON upper.code = change.to_level_id;

INSERT INTO loyalty_pointsaccount (player_id, balance, held, accrued, active_at)
SELECT player_id, points, 0, points, coalesce(last_bet_at, now()) FROM loyalty_old_standing WHERE points <> 0;

INSERT INTO loyalty_pointsentry (id, player_id, kind, points, held, balance_after, held_after, key, reference, actor,
                                 occurred_at)
SELECT gen_random_uuid(), player_id, 'accrual', balance, 0, balance, 0, 'opening:' || player_id, '',
       'system:loyalty.accrual', active_at
FROM loyalty_pointsaccount;
"""

_DROP = """
DROP TABLE loyalty_old_levelchange;
DROP TABLE loyalty_old_pointsentry;
DROP TABLE loyalty_old_standing;
DROP TABLE loyalty_old_coefficient;
DROP TABLE loyalty_old_programme;
DROP TABLE loyalty_old_level;
"""


def seed(apps, schema_editor):
    rows = _rows(schema_editor, "SELECT * FROM loyalty_old_level ORDER BY threshold_eur")
    coefficients = _rows(schema_editor, "SELECT * FROM loyalty_old_coefficient ORDER BY category")
    (programme,) = _rows(schema_editor, "SELECT * FROM loyalty_old_programme")
    rule = {
        "points_per_eur": _text(programme["points_per_eur"]),
        "coefficients": {row["category"]: _text(row["coefficient"]) for row in coefficients},
        "levels": [
            {
                "code": row["code"],
                "name": row["name"],
                "entry_eur": _text(row["threshold_eur"]),
                "multiplier": _text(row["multiplier"]),
                "cashback": _text(row["cashback"]),
                "privileges": list(row["privileges"]),
            }
            for row in rows
        ],
    }
    now = timezone.now()
    standard = apps.get_model("loyalty", "Programme").objects.create(
        code="standard", name="Standard programme", created_at=now
    )
    apps.get_model("loyalty", "ProgrammeVersion").objects.create(
        programme=standard,
        number=1,
        rule=rule,
        digest=hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).digest(),
        state="released",
        note="As shipped",
        created_by="system:set-up",
        created_at=now,
        released_at=now,
        active_from=BEGINNING,
    )


def _text(number):
    return f"{number.normalize():f}"


def _rows(schema_editor, sql):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0003_programmes")]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunSQL(_TAKE_OVER, migrations.RunSQL.noop),
        migrations.RunSQL(_DROP, migrations.RunSQL.noop),
    ]
