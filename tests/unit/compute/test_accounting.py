"""Quotas of servers, checked in the transaction that takes them."""

import pytest
from stratolith.core.errors import QuotaExceeded
from stratolith.plugins.compute import accounting


def limit(alone, query="", **limits):
    assert alone.call("PUT", "/os-quota-sets/p-demo" + query, {"quota_set": limits}).status == 200


def take(alone, wanted, least=1, cores=2, ram=1024, user="u-demo"):
    with alone.db.write() as tx:
        return accounting.room(alone.kit, tx, "p-demo", wanted, least, cores, ram, user)


def used(alone):
    with alone.db.read() as tx:
        return accounting.used(tx, "p-demo")


def test_as_many_as_fit_are_charged(alone):
    limit(alone, cores=7)
    assert take(alone, 5) == 3
    assert used(alone) == {"instances": 3, "cores": 6, "ram": 3072}


def test_too_many_are_refused_and_not_charged(alone):
    limit(alone, instances=2)
    take(alone, 2)
    with pytest.raises(QuotaExceeded) as caught:
        take(alone, 1)
    assert caught.value.message == ("Quota exceeded for instances: Requested 1, but already used 2 of 2 instances")
    assert used(alone)["instances"] == 2


def test_all_that_is_exceeded_is_named(alone):
    limit(alone, cores=1, ram=512)
    said = "for cores, ram: Requested 2, 1024, but already used 0, 0 of 1, 512 cores, ram"
    with pytest.raises(QuotaExceeded, match=said):
        take(alone, 1)


def test_a_user_has_limits_of_their_own(alone):
    limit(alone, "?user_id=u-demo", instances=1)
    alone.add_server()
    with pytest.raises(QuotaExceeded, match="for instances: Requested 1, but already used 1 of 1"):
        take(alone, 1)
    assert take(alone, 1, user="u-reader") == 1


def test_a_resize_is_charged(alone):
    limit(alone, cores=5)
    take(alone, 2)
    with pytest.raises(QuotaExceeded, match="for cores: Requested 2, but already used 4 of 5 cores"), \
            alone.db.write() as tx:
        accounting.grow(alone.kit, tx, "p-demo", 2, -512, "u-demo")
    with alone.db.write() as tx:
        accounting.grow(alone.kit, tx, "p-demo", -2, 512, "u-demo")
    assert used(alone) == {"instances": 2, "cores": 2, "ram": 2560}
