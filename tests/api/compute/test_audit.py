"""Drift of usage and claims: found, mended, and never seen where there is none."""

import pytest
import sqlalchemy as sa
from stratolith.core.cli.main import main
from stratolith.core.conformance.cloud import InProcess


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
