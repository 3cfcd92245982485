"""An operator's policy file over the defaults: the services follow it, and the command explains the same."""

import pytest
from stratolith.core.cli.main import main
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BadConfiguration

from .tenants import People

RULES = """
"os_compute_api:os-server-groups:create": "role:admin"
"create_network": "role:admin or (role:member and not role:manager and project_id:%(project_id)s)"
"volume:create": "rule:friends"
"friends": "role:reader and project_id:%(project_id)s"
"get_images": "!"
"""
CASES = (
    ("os_compute_api:os-server-groups:create", "POST", "/compute/v2.1/os-server-groups",
     {"server_group": {"name": "g", "policy": "affinity"}}, {"member": 403, "reader": 403, "manager": 403}),
    ("create_network", "POST", "/network/v2.0/networks", {"network": {"name": "n"}},
     {"member": 201, "reader": 403, "manager": 403}),
    ("volume:create", "POST", "/volume/v3/volumes", {"volume": {"size": 1}},
     {"member": 202, "reader": 202, "manager": 202}),
    ("get_images", "GET", "/image/v2/images", None, {"member": 403, "reader": 403, "manager": 403}),
    ("volume:get_all", "GET", "/volume/v3/volumes", None, {"member": 200, "reader": 200, "manager": 200}),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The policy file."""
    made = tmp_path_factory.mktemp("policy") / "policy.yaml"
    made.write_text(RULES)
    return made


@pytest.fixture(scope="module")
def people(tmp_path_factory, file):
    """A cloud that follows the file."""
    made = InProcess(tmp_path_factory.mktemp("cloud"), options={"cloud": {"policy_file": str(file)}}).start()
    yield People(made)
    made.stop()


def run(*arguments):
    """The exit status of the command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


@pytest.mark.parametrize("role", ["member", "reader", "manager"])
def test_services_and_explanations_agree(people, file, role, capsys):
    person = people.member_of(people.project, role)
    for rule, method, path, body, statuses in CASES:
        answer = person.ask(method, path, body)
        assert answer.status == statuses[role], (rule, answer)
        told = run("policy", "explain", rule, "--file", str(file), "--role", role, "--project", people.project,
                   "--target", f"project_id={people.project}")
        said = capsys.readouterr().out
        assert (told == 0) == (answer.status < 300), (rule, role, said)
        assert said.startswith(f"{rule}: {'allows' if told == 0 else 'denies'}")
        assert ("(policy file)" in said) == (rule in RULES)


def test_an_explanation_follows_the_rules_that_a_rule_names(people, file, capsys):
    told = run("policy", "explain", "volume:create", "--file", str(file), "--role", "reader", "--project", "p",
               "--target", "project_id=p")
    assert told == 0
    assert "  friends: allows" in capsys.readouterr().out


@pytest.mark.parametrize("text", ['"a": "role:admin', '"a": "role:admin and"', '"a": "rule:nowhere"', '"a": 1',
                                  "- a", '"a": "(role:admin"', "a: !!python/name:os.system",
                                  "!!python/object/new:os.system [x]"])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path, text):
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(BadConfiguration):
        InProcess(tmp_path, options={"cloud": {"policy_file": str(tmp_path / "policy.yaml")}})


def test_a_missing_file_stops_the_start(tmp_path):
    with pytest.raises(BadConfiguration):
        InProcess(tmp_path, options={"cloud": {"policy_file": str(tmp_path / "nowhere.yaml")}})


def test_a_folder_has_a_file_for_each_service(tmp_path, capsys):
    """Two services mean different things by one name, and each file means its own."""
    folder = tmp_path / "policy.d"
    folder.mkdir()
    (folder / "identity.yaml").write_text('"admin_or_owner": "rule:owner"\n'
                                          '"identity:list_groups": "rule:admin_or_owner and role:admin"')
    (folder / "compute.yaml").write_text('"os_compute_api:servers:index": "rule:nobody"\n"nobody": "!"')
    made = InProcess(tmp_path / "state", options={"cloud": {"policy_file": str(folder)}}).start()
    try:
        people = People(made)
        person = people.member_of(people.project)
        assert person.ask("GET", "/identity/v3/groups").status == 403
        assert person.ask("GET", "/compute/v2.1/servers").status == 403
        assert person.ask("GET", "/volume/v3/volumes").status == 200
    finally:
        made.stop()
    volume = ("policy", "explain", "volume:get_all", "--file", str(folder), "--role", "reader", "--project", "p",
              "--target", "project_id=p")
    assert run(*volume) == 0
    assert "policy file" not in capsys.readouterr().out
    assert run("policy", "explain", "identity:list_groups", "--file", str(folder), "--role", "admin") == 1
    assert "owner: denies" in capsys.readouterr().out


def test_a_file_of_a_service_that_is_none_stops_the_start(tmp_path):
    (tmp_path / "policy.d").mkdir()
    (tmp_path / "policy.d" / "nonsense.yaml").write_text('"a": "role:admin"')
    with pytest.raises(BadConfiguration, match="nonsense"):
        InProcess(tmp_path, options={"cloud": {"policy_file": str(tmp_path / "policy.d")}})
