from django.db import migrations

# What was paid in and out lately counts against limits that are set from now on.
COUNT = """
INSERT INTO compliance_deposituse (deposit_id, player_id, amount_minor, requested_at, made_at, released_at, reservation)
SELECT id, player_id, amount_minor, requested_at,
       CASE WHEN state IN ('made', 'charged_back', 'reinstated') THEN coalesce(settled_at, requested_at) END,
       CASE WHEN state IN ('failed', 'cancelled') THEN coalesce(settled_at, requested_at) END, ''
FROM wallet_deposit WHERE requested_at > now() - interval '62 days' ON CONFLICT DO NOTHING;
INSERT INTO compliance_payoutuse (payout_id, player_id, amount_minor, paid_at)
SELECT p.id, w.player_id, p.paid_minor, p.settled_at FROM wallet_payout p JOIN wallet_withdrawal w ON w.id = p.withdrawal_id
WHERE p.state = 'paid' AND p.paid_minor > 0 AND p.settled_at > now() - interval '62 days' ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("wallet", "0029_hold_events"), ("compliance", "0010_limits")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
