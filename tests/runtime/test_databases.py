from django.db import connection
def test_a(db):
    with connection.cursor() as c:
        c.execute("select current_user, current_database()"); print(c.fetchone())
