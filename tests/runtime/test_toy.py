import pytest
from django.db import connection
from toy.models import T1
@pytest.mark.parametrize("i", range(40))
def test_w(db,i):
    T1.objects.create(a="x",b=1); assert T1.objects.count()==1
@pytest.mark.parametrize("i", range(40))
def test_r(db,i):
    assert T1.objects.count()==0
def test_roles(transactional_db):
    with connection.cursor() as c:
        c.execute("select current_user, current_database(), count(*) from pg_class where relfilenode>0"); print(c.fetchone())
def test_mod(module_db): assert T1.objects.count()==0
@pytest.mark.django_db
def test_mark(): assert T1.objects.count()==0
def test_blocked():
    with pytest.raises(RuntimeError): T1.objects.count()
