"""Drift of usage and claims: found, mended, and never seen where there is none."""

import pytest
import sqlalchemy as sa
from stratolith.core.cli.main import main
from stratolith.core.conformance.cloud import InProcess
from stratolith.plugins.compute import records, states, tables

from tests.statements import counted


@pytest.fixture
def cloud(tmp_path):
    """A cloud on files with one server of demo's."""
    made = InProcess(tmp_path, persistent=True, options={"compute": {"console_listen": ""}}).start()
    made.run(1)
    yield made
    made.stop()


def ok(cloud, method, path, body=None, as_="demo", **more):
    answer = cloud.request(method, path, body, as_=as_, **more)
    assert answer.status < 300, answer
    return answer.json if answer.data else None


def boot(cloud):
    image = ok(cloud, "POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})["id"]
    ok(cloud, "PUT", f"/image/v2/images/{image}/file", b"\0" * 512,
       headers={"Content-Type": "application/octet-stream"})
    flavor = ok(cloud, "GET", "/compute/v2.1/flavors")["flavors"][0]["id"]
    body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none"}}
    made = ok(cloud, "POST", "/compute/v2.1/servers", body, version="compute 2.37")["server"]["id"]
    cloud.run(5)
    return made


def audit(cloud, mend=False):
    slices = {one.name: one for one in cloud.cloud.slices}
    return list(slices["compute"].audit(cloud.cloud.services["compute"], cloud.cloud.kits["compute"], mend))


def sql(cloud, text, **values):
    with cloud.cloud.kits["compute"].db.write() as tx:
        tx.connection.execute(sa.text(text), values)
        tx.dirty = True


def test_nothing_is_found_where_nothing_is(cloud):
    assert audit(cloud) == []
    server = boot(cloud)
    assert audit(cloud) == []
    ok(cloud, "POST", f"/compute/v2.1/servers/{server}/action", {"resize": {"flavorRef": ok(
        cloud, "GET", "/compute/v2.1/flavors")["flavors"][1]["id"]}})
    assert audit(cloud) == []
    cloud.run(10)
    assert audit(cloud) == []
    ok(cloud, "DELETE", f"/compute/v2.1/servers/{server}")
    assert audit(cloud) == []
    cloud.run(10)
    assert audit(cloud) == []


def test_usage_that_drifted_is_found_and_mended(cloud):
    boot(cloud)
    sql(cloud, "UPDATE compute_usage SET instances = instances + 3, ram = 7")
    found = audit(cloud)
    assert [(one.kind, one.mended) for one in found] == [("usage", False)]
    assert "written: 4 servers" in found[0].what
    assert "counted: 1 servers" in found[0].what
    assert [one.mended for one in audit(cloud, mend=True)] == [True]
    assert audit(cloud) == []
    assert ok(cloud, "GET", "/compute/v2.1/limits")["limits"]["absolute"]["totalInstancesUsed"] == 1


def test_claims_that_drifted_are_found_and_mended(cloud):
    server = boot(cloud)
    provider = cloud.cloud.agents["compute"].hosts[0]._provider()
    placement, context = cloud.cloud.services["placement"], cloud.cloud.kits["compute"].context()
    placement.release(context, server)
    placement.claim(context, "11111111-2222-4333-8444-555555555555", {provider: {"VCPU": 1}}, "p", "u", "INSTANCE")
    found = {one.id: one for one in audit(cloud)}
    assert set(found) == {server, "11111111-2222-4333-8444-555555555555"}
    assert "holds nothing" in found[server].what
    assert all(one.mended for one in audit(cloud, mend=True))
    assert audit(cloud) == []
    assert provider in placement.allocations(context, server)


# Each kind of drift, found, told in words, and mended; a second look finds nothing.

@pytest.fixture
def fleet(tmp_path):
    """A cloud of two hosts, with what a test needs to put claims out of order."""
    made = InProcess(tmp_path, persistent=True, options={
        "compute": {"console_listen": "", "hosts": "h1,h2"},
        "network": {"hosts": "h1,h2"}}).start()
    made.run(1)
    made.placement, made.context = made.cloud.services["placement"], made.cloud.kits["compute"].context()
    made.providers = {one.host: one._provider() for one in made.cloud.agents["compute"].hosts}
    yield made
    made.stop()


def row_of(cloud, server):
    """A server's row."""
    with cloud.cloud.kits["compute"].db.read() as tx:
        return records.present(tx, server)


def claimed(cloud, server, amounts):
    """Give a server another claim."""
    row = row_of(cloud, server)
    cloud.placement.claim(cloud.context, server, amounts, row.project_id, row.user_id, "INSTANCE")


def told(cloud, kind, id, *words):
    """One drift is found, twice, with the words; it is mended, and then nothing is."""
    for mend in (False, False, True):
        found = audit(cloud, mend)
        assert [(one.kind, one.id, one.mended) for one in found] == [(kind, id, mend)], found
        assert all(word in found[0].what for word in words), found[0].what
    assert audit(cloud) == []


def test_a_server_with_another_claim(fleet):
    server = boot(fleet)
    before = fleet.placement.allocations(fleet.context, server)
    (provider, amounts), = before.items()
    claimed(fleet, server, {provider: {**amounts, "VCPU": amounts["VCPU"] + 1}})
    told(fleet, "claim", server, row_of(fleet, server).host, f"holds {amounts.get('DISK_GB', '')}", "should hold")
    assert fleet.placement.allocations(fleet.context, server) == before


def test_a_server_that_claims_on_another_host_too(fleet):
    server = boot(fleet)
    before = fleet.placement.allocations(fleet.context, server)
    other = next(host for host in fleet.providers if host != row_of(fleet, server).host)
    claimed(fleet, server, {**before, fleet.providers[other]: {"VCPU": 1}})
    told(fleet, "claim", server, f"1 VCPU of {other}, too")
    assert fleet.placement.allocations(fleet.context, server) == before


def test_a_server_whose_claim_is_on_another_host(fleet):
    server = boot(fleet)
    before = fleet.placement.allocations(fleet.context, server)
    (amounts,) = before.values()
    other = next(host for host in fleet.providers if host != row_of(fleet, server).host)
    claimed(fleet, server, {fleet.providers[other]: amounts})
    told(fleet, "claim", server, f"of {other}, should hold")
    assert fleet.placement.allocations(fleet.context, server) == before


def test_a_server_on_the_shelf_that_holds_something(fleet):
    server = boot(fleet)
    ok(fleet, "POST", f"/compute/v2.1/servers/{server}/action", {"shelve": None})
    fleet.run(30)
    assert row_of(fleet, server).provider == ""
    claimed(fleet, server, {fleet.providers["h1"]: {"VCPU": 1}})
    told(fleet, "claim", server, "is on no host, and holds 1 VCPU of h1")


def test_what_a_move_left(fleet):
    server = boot(fleet)
    ok(fleet, "POST", f"/compute/v2.1/servers/{server}/action", {"migrate": None}, as_="admin")
    fleet.run(30)
    ok(fleet, "POST", f"/compute/v2.1/servers/{server}/action", {"confirmResize": None}, as_="admin")
    fleet.run(30)
    with fleet.cloud.kits["compute"].db.read() as tx:
        move = tx.value(sa.select(tables.moves.c.uuid))
    assert audit(fleet) == []
    fleet.placement.claim(fleet.context, move, {fleet.providers["h1"]: {"VCPU": 1}}, "p", "u", "MIGRATION")
    told(fleet, "claim", move, f"1 VCPU of h1 claimed by a move of server {server} that has ended")


def test_usage_of_a_project_in_which_something_is_done(fleet):
    server = boot(fleet)
    sql(fleet, f"UPDATE {tables.servers.name} SET task_state = 'powering-off' WHERE id = :id", id=server)
    sql(fleet, "UPDATE compute_usage SET cores = cores + 1")
    found = audit(fleet, mend=True)
    assert [(one.kind, one.mended) for one in found] == [("usage", True)]
    assert audit(fleet) == []


# While the cloud is at work nothing is told that is not so, and mending harms nobody.

LIVES = [
    [("resize", {"flavorRef": 1}), ("confirmResize", None)], [("resize", {"flavorRef": 1}), ("revertResize", None)],
    [("migrate", None)], [("os-migrateLive", {"host": None, "block_migration": "auto"})],
    [("shelve", None), ("unshelve", None)], [("rebuild", {})], [("os-stop", None), ("os-start", None)]]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: " ".join(name for name, _ in life))
def test_nothing_is_told_while_servers_change(fleet, life):
    server = boot(fleet)
    flavors = [one["id"] for one in ok(fleet, "GET", "/compute/v2.1/flavors")["flavors"]]
    for name, body in life:
        if name == "resize":
            body = {"flavorRef": flavors[1]}
        if name == "rebuild":
            body = {"imageRef": row_of(fleet, server).image_id}
        ok(fleet, "POST", f"/compute/v2.1/servers/{server}/action", {name: body}, as_="admin",
           version="compute 2.30")
        for _ in range(300):
            assert audit(fleet, mend=True) == []
            if not step(fleet):
                break
    ok(fleet, "DELETE", f"/compute/v2.1/servers/{server}")
    while step(fleet):
        assert audit(fleet, mend=True) == []
    assert audit(fleet) == []
    assert fleet.placement.allocations(fleet.context, server) == {}


def step(cloud):
    """Let a little time pass; tell whether something is under way."""
    cloud.run(0.3)
    with cloud.cloud.kits["compute"].db.read() as tx:
        return tx.connection.exec_driver_sql(
            "SELECT COUNT(*) FROM operations WHERE state NOT IN ('done', 'failed')").scalar()


def test_a_server_that_changes_while_it_is_looked_at_is_left_alone(fleet, monkeypatch):
    server = boot(fleet)
    (provider, amounts), = fleet.placement.allocations(fleet.context, server).items()
    claimed(fleet, server, {provider: {**amounts, "VCPU": 9}})
    asked = fleet.placement.allocations

    def reboots(context, consumer):
        found = asked(context, consumer)
        monkeypatch.undo()
        ok(fleet, "POST", f"/compute/v2.1/servers/{server}/action", {"reboot": {"type": "HARD"}})
        fleet.run(5)
        return found
    monkeypatch.setattr(fleet.placement, "allocations", reboots)
    assert audit(fleet, mend=True) == []
    assert [one.mended for one in audit(fleet, mend=True)] == [True]


def test_a_claim_that_is_given_back_meanwhile(fleet, monkeypatch):
    stranger = "11111111-2222-4333-8444-555555555555"
    fleet.placement.claim(fleet.context, stranger, {fleet.providers["h1"]: {"VCPU": 1}}, "p", "u", "INSTANCE")
    asked = fleet.placement.holdings

    def given_back(context, providers):
        found = asked(context, providers)
        fleet.placement.release(fleet.context, stranger)
        return found
    monkeypatch.setattr(fleet.placement, "holdings", given_back)
    assert audit(fleet, mend=True) == []


def test_an_audit_costs_the_same_queries_however_many_servers_there_are(fleet):
    def queries():
        with counted(fleet.cloud.kits["compute"].db) as seen:
            assert audit(fleet) == []
        return len(seen)
    boot(fleet)
    boot(fleet)
    few = queries()
    for _ in range(6):
        boot(fleet)
    assert queries() == few < 15


def test_a_server_on_a_host_that_has_another_name_now(fleet):
    server = boot(fleet)
    sql(fleet, "UPDATE servers SET host = 'before' WHERE id = :id", id=server)
    assert audit(fleet) == []
    claimed(fleet, server, {row_of(fleet, server).provider: {"VCPU": 7}})
    told(fleet, "claim", server, "holds 7 VCPU of")


def test_mending_waits_for_what_came_first(fleet, monkeypatch):
    server = boot(fleet)
    before = fleet.placement.allocations(fleet.context, server)
    fleet.placement.release(fleet.context, server)
    engine = fleet.cloud.kits["compute"].engine
    start = engine.start

    def later(tx, kind, subject, context, data=None, **more):
        if kind == "compute.mend_claim":
            monkeypatch.undo()
            row = row_of(fleet, server)
            states.move(tx, server, None, task_state="rebooting", updated_at=row.updated_at)
            start(tx, "compute.reboot", server, context)
        return start(tx, kind, subject, context, data, **more)
    monkeypatch.setattr(engine, "start", later)
    found = audit(fleet, mend=True)
    assert [one.mended for one in found] == [False]
    assert "waits for what is being done" in found[0].what
    fleet.run(10)
    assert fleet.placement.allocations(fleet.context, server) == before
    assert audit(fleet) == []


def test_what_cannot_be_mended_is_told(cloud):
    server = boot(cloud)
    provider = cloud.cloud.agents["compute"].hosts[0]._provider()
    placement, context = cloud.cloud.services["placement"], cloud.cloud.kits["compute"].context()
    placement.release(context, server)
    ok(cloud, "PUT", f"/placement/resource_providers/{provider}/inventories", {
        "resource_provider_generation": ok(cloud, "GET", f"/placement/resource_providers/{provider}",
                                           as_="admin")["generation"], "inventories": {}}, as_="admin")
    found = audit(cloud, mend=True)
    assert [(one.id, one.mended) for one in found] == [(server, False)]
    assert "not mended" in found[0].what


def test_the_command_works_beside_the_cloud(cloud, tmp_path, capsys):
    boot(cloud)
    sql(cloud, "UPDATE compute_usage SET instances = 9")
    state = tmp_path / "state"
    (state / "clouds.yaml").touch()

    def ended(*words):
        with pytest.raises(SystemExit) as left:
            main(["audit", "--state", str(state), *words])
        return left.value.code, capsys.readouterr().out
    status, said = ended()
    assert status == 1
    assert said.splitlines()[-1] == "1 differ, 0 mended"
    status, said = ended("--mend")
    assert (status, said.splitlines()[-1]) == (0, "1 differ, 1 mended")
    assert ended() == (0, "0 differ, 0 mended\n")


def test_a_folder_without_a_cloud(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["audit", "--state", str(tmp_path)])
    assert left.value.code == 1
    assert "is not the folder of a cloud" in capsys.readouterr().err
