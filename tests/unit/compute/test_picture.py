"""The list of hosts is brought up to date piece by piece: every change is seen, and many hosts cost no more queries."""

import pytest
from stratolith.plugins.compute import states
from stratolith.plugins.compute.picture import BLOCK, RECOUNT_S, SKEW_S, TURNS
from stratolith.plugins.compute.tables import aggregate_hosts, aggregates, hosts, servers, services


@pytest.fixture
def fleet(alone):
    """Hosts of three blocks, as another process wrote them."""
    for number in range(2 * BLOCK + 1):
        alone.add_host(f"h{number:03}")
    alone.service.fleet.all()
    return alone


def later(cloud, seconds=1.0):
    """The hosts by name as this process sees them a moment later."""
    cloud.clock.sleep(seconds)
    return {one.host: one for one in cloud.service.fleet.all()}


def write(cloud, table, host, **values):
    with cloud.db.write() as tx:
        tx.execute(table.update().where(table.c.host == host).values(**values))


def queries(cloud):
    before = cloud.statements
    later(cloud)
    return cloud.statements - before


def test_what_others_write_is_seen_within_seconds(fleet):
    assert len(later(fleet)) == 2 * BLOCK + 1
    write(fleet, services, "h200", disabled=True, disabled_reason="why")
    assert (later(fleet)["h200"].enabled, later(fleet)["h200"].disabled_reason) == (False, "why")
    write(fleet, services, "h200", disabled=False, forced_down=True)
    seen = later(fleet)["h200"]
    assert seen.enabled and not seen.up
    write(fleet, services, "h200", forced_down=False)
    assert later(fleet)["h200"].up
    write(fleet, hosts, "h001", failures=3)
    assert later(fleet, RECOUNT_S)["h001"].failures == 3
    write(fleet, hosts, "h002", node="other", updated_at=fleet.clock.now())
    assert later(fleet, RECOUNT_S)["h002"].node == "other"


def test_hosts_come_and_go(fleet):
    fleet.add_host("new")
    assert list(later(fleet))[-1] == "new"
    with fleet.db.write() as tx:
        tx.execute(hosts.delete().where(hosts.c.host.in_(("h000", "h256", "new"))))
    assert len(later(fleet, RECOUNT_S)) == 2 * BLOCK - 1 and fleet.service.fleet.host("h000") is None
    assert len({one.provider for one in fleet.service.fleet.all()}) == 2 * BLOCK - 1


def test_a_host_that_is_called_otherwise_is_one_still(fleet):
    with fleet.db.write() as tx:
        tx.execute(hosts.update().where(hosts.c.host == "h003").values(host="other", updated_at=fleet.clock.now()))
    seen = later(fleet, RECOUNT_S)
    assert "h003" not in seen and seen["other"].node == "h003.local" and fleet.service.fleet.host("h003") is None
    with fleet.db.write() as tx:
        tx.execute(hosts.delete().where(hosts.c.host == "other"))
    assert "other" not in later(fleet, RECOUNT_S) and fleet.service.fleet.host("other") is None
    assert len(later(fleet, RECOUNT_S)) == 2 * BLOCK


def test_what_changes_while_the_list_is_read_is_seen_at_the_next_question(fleet):
    picture, db = fleet.service.fleet._picture, fleet.db

    class Slow:
        """Reads as the picture does; meanwhile somebody changes a host."""

        def __getattr__(self, name):
            return getattr(picture, name)

        def read(self, tx, heard):
            picture.read(tx, heard)
            fleet.service.fleet._picture = picture
            with db.write() as writing:
                writing.execute(hosts.update().where(hosts.c.host == "h004").values(failures=7))
                writing.after_commit(fleet.service.fleet.changed)

    fleet.service.fleet._picture = Slow()
    assert later(fleet, RECOUNT_S)["h004"].failures == 0
    assert fleet.service.fleet.host("h004").failures == 7


def test_what_weighers_were_told_is_no_change(fleet):
    before = fleet.service.fleet.all()
    before[0].images = {"os_distro=x": 1}
    write(fleet, hosts, "h001", updated_at=fleet.clock.now())
    assert later(fleet, RECOUNT_S) and fleet.service.fleet.all() is before


def test_a_silent_host_is_down_until_it_beats(fleet):
    write(fleet, services, "h005", beat_at=fleet.clock.time() - 61)
    assert not later(fleet)["h005"].up
    write(fleet, services, "h005", beat_at=fleet.clock.time())
    assert later(fleet)["h005"].up
    assert not any(one.up for one in later(fleet, 62).values())


def test_aggregates_are_seen_when_they_change(fleet):
    with fleet.db.write() as tx:
        tx.insert(aggregates, {"id": 1, "uuid": "u", "name": "a", "metadata": {"availability_zone": "z"},
                               "created_at": fleet.clock.now()})
        tx.insert(aggregate_hosts, [{"aggregate_id": 1, "host": name} for name in ("h001", "h150")])
    seen = later(fleet)
    assert [name for name, one in seen.items() if one.zone == "z"] == ["h001", "h150"]
    with fleet.db.write() as tx:
        tx.execute(aggregate_hosts.delete().where(aggregate_hosts.c.host == "h001"))
    assert [name for name, one in later(fleet).items() if one.aggregates] == ["h150"]
    with fleet.db.write() as tx:
        tx.execute(aggregates.update().values(metadata={}, updated_at=fleet.clock.now()))
    assert {one.zone for one in later(fleet).values()} == {"nova"}


def test_servers_are_counted_where_they_changed(fleet):
    ids = [fleet.add_server("h003", updated_at=fleet.clock.now()) for _ in range(3)]
    assert later(fleet, RECOUNT_S)["h003"].servers == 3
    with fleet.db.write() as tx:
        tx.update(servers, ids[0], task_state="rebooting", updated_at=fleet.clock.now())
        tx.update(servers, ids[1], deleted=True, updated_at=fleet.clock.now())
    seen = later(fleet, RECOUNT_S)["h003"]
    assert (seen.servers, seen.building) == (2, 1)


def test_what_no_stamp_shows_is_seen_in_turn(fleet):
    gone = fleet.add_server("h004")
    later(fleet, RECOUNT_S)
    write(fleet, hosts, "h000", node="changed")
    with fleet.db.write() as tx:
        tx.update(servers, gone, host="")
    for _ in range(TURNS + 3):
        seen = later(fleet, max(RECOUNT_S, SKEW_S))
    assert seen["h000"].node == "changed" and seen["h004"].servers == 0


def test_the_list_is_the_same_until_it_changes(alone):
    alone.add_host("one")
    first = alone.service.fleet.all()
    for _ in range(20):
        later(alone)
        assert alone.service.fleet.all() is first
        alone.service.fleet.beat("one")
    alone.service.fleet.beat("one", {"cpu.percent": 0.5})
    assert later(alone)["one"].metrics == {"cpu.percent": 0.5}


def test_reading_costs_the_same_for_any_number_of_hosts(alone):
    counts = []
    for number in (1, 2 * BLOCK, 10 * BLOCK):
        for more in range(number):
            alone.add_host(f"{number}-{more}")
        later(alone, RECOUNT_S)
        counts.append([queries(alone) for _ in range(15)])
    assert [sum(some) for some in counts] == [sum(counts[0])] * 3
    assert max(counts[-1]) <= 6


def test_who_leaves_a_host_is_counted_no_more(fleet):
    server = fleet.add_server("h001", updated_at=fleet.clock.now())

    def changed(work):
        fleet.clock.sleep(3 * SKEW_S)
        fleet.service.fleet.all()
        with fleet.db.write() as tx:
            work(tx)
        seen = later(fleet, RECOUNT_S)
        return [seen[name].servers for name in ("h001", "h140", "h256")]

    def go(host, tx):
        assert states.move(tx, server, None, host=host, updated_at=fleet.clock.now())

    assert changed(lambda tx: None) == [1, 0, 0]
    # Another process moves it, takes it from its host, and gives it another.
    assert changed(lambda tx: go("h140", tx)) == [0, 1, 0]
    assert changed(lambda tx: states.leave(tx, server, "", fleet.clock.now())) == [0, 0, 0]
    assert changed(lambda tx: go("h256", tx)) == [0, 0, 1]

    def twice(tx):
        states.leave(tx, server, "", fleet.clock.now())
        go("h001", tx)
    assert changed(twice) == [1, 0, 0]


def test_who_leaves_a_host_costs_no_query_more(fleet):
    server = fleet.add_server("h001", updated_at=fleet.clock.now())
    fleet.clock.sleep(3 * SKEW_S)
    fleet.service.fleet.all()

    def cost(host):
        with fleet.db.write() as tx:
            assert states.move(tx, server, None, updated_at=fleet.clock.now(), **({"host": host} if host else {}))
        before = fleet.statements
        later(fleet, RECOUNT_S)
        return fleet.statements - before
    assert cost("") == cost("h140") == cost("")
