"""Identity in two processes, and in two workers of one: news travel, races end in proper answers."""

import concurrent.futures
import functools
import subprocess
import threading

import pytest
from stratolith.auth.middleware.door import Door, Passed
from stratolith.auth.middleware.settings import Settings

from .backing import postgresql
from .identity_processes import COMMAND, Processes, elapsed, on_this_machine

pytestmark = pytest.mark.live
WITHIN_S = 1.0


@pytest.fixture(scope="module")
def database():
    with postgresql() as make:
        yield make


@pytest.fixture(scope="module")
def two(database, tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("two"), database("two")) as made:
        yield made
        assert made.faults() == []


ENDS = {
    "role": lambda one, who: one.ok(
        "DELETE", f"/projects/{who['project']}/users/{who['user']}/roles/{who['role']}", token=who["admin"]),
    "password": lambda one, who: one.ok(
        "POST", f"/users/{who['user']}/password", {"user": {"original_password": "secret", "password": "new"}}),
    "user": lambda one, who: one.ok("PATCH", f"/users/{who['user']}", {"user": {"enabled": False}}, who["admin"]),
    "project": lambda one, who: one.ok("PATCH", f"/projects/{who['project']}", {"project": {"enabled": False}},
                                       who["admin"]),
    "domain": lambda one, who: one.ok("PATCH", f"/domains/{who['domain']}", {"domain": {"enabled": False}},
                                      who["admin"]),
    "token": lambda one, who: one.ok("DELETE", "/auth/tokens", token=who["admin"], X_Subject_Token=who["token"]),
}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_what_ends_in_one_process_ends_in_the_other_within_a_second(two, end):
    one, other = two.all
    domain = two.make("domain")
    user, project = two.person(domain_id=domain["id"])
    token = one.token(user, "secret", project)
    assert one.works(token) and other.works(token)
    ENDS[end](one, {"user": user["id"], "project": project["id"], "domain": domain["id"], "token": token,
                    "role": two.role("member"), "admin": two.admin})
    assert not one.works(token), "at once where it was done"
    assert elapsed(lambda: not other.works(token)) <= on_this_machine(WITHIN_S)


def test_a_foreign_service_learns_it_within_a_second(two):
    """The middleware asks one process, the other makes the change."""
    one, other = two.all
    service, place = two.person("service")
    user, project = two.person()
    door = Door(Settings(auth_url=f"http://127.0.0.1:{other.port}/identity/v3", username=service["name"],
                         password="secret", project_name=place["name"]))
    token = one.token(user, "secret", project)
    assert isinstance(door.decide(token, "", "GET", "/"), Passed)
    one.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}}, two.admin)
    assert elapsed(lambda: not isinstance(door.decide(token, "", "GET", "/"), Passed)) <= on_this_machine(1.2)


def at_once(*calls):
    """The results of calls that all begin together."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait()
        return call()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def test_two_processes_change_the_same_role_assignment(two):
    user, project = two.person()
    path = f"/projects/{project['id']}/users/{user['id']}/roles/{two.role('reader')}"
    for _ in range(15):
        for method, good in (("PUT", {204}), ("DELETE", {204, 404})):
            answers = at_once(*(lambda process=process, method=method: process.request(method, path, token=two.admin)
                                for process in two.all for _ in range(2)))
            assert {answer.status for answer in answers} <= good, answers
            if method == "DELETE":
                assert [answer.status for answer in answers].count(204) == 1
    answers = at_once(*(lambda process=process, method=method: process.request(method, path, token=two.admin)
                        for process in two.all for method in ("PUT", "DELETE") for _ in range(4)))
    assert {answer.status for answer in answers} <= {204, 404}, answers


def useless(process, tokens):
    """Tell whether no token opens the door any more."""
    return not any(process.works(token) for token in tokens)


def test_a_project_is_deleted_under_a_login(two):
    one, other = two.all
    for _ in range(8):
        user, project = two.person()
        login = [functools.partial(process.login, user, "secret", project) for process in two.all for _ in range(3)]
        delete = functools.partial(one.request, "DELETE", f"/projects/{project['id']}", token=two.admin)
        *logins, deleted = at_once(*login, delete)
        assert deleted.status == 204, deleted
        assert {answer.status for answer in logins} <= {201, 401}, logins
        tokens = [answer.headers["X-Subject-Token"] for answer in logins if answer.status == 201]
        for process in two.all:
            assert elapsed(functools.partial(useless, process, tokens)) <= on_this_machine(WITHIN_S)


def test_a_user_changes_a_password_under_logins(two):
    one, other = two.all
    user, project = two.person()
    password = "secret"
    for turn in range(5):
        change = {"user": {"original_password": password, "password": f"next{turn}"}}
        login = [functools.partial(process.login, user, password, project) for process in two.all for _ in range(2)]
        *logins, changed = at_once(*login, functools.partial(other.request, "POST", f"/users/{user['id']}/password",
                                                             change))
        assert changed.status == 204 and {answer.status for answer in logins} <= {201, 401}, logins
        old = [answer.headers["X-Subject-Token"] for answer in logins if answer.status == 201]
        assert elapsed(functools.partial(useless, one, old)) <= on_this_machine(WITHIN_S)
        password = f"next{turn}"
    assert one.login(user, password, project).status == 201


def test_keys_are_rotated_under_load(two):
    user, project = two.person()
    stop, wrong = threading.Event(), []

    def load(process):
        while not stop.is_set():
            answer = process.login(user, "secret", project)
            if answer.status != 201:
                wrong.append(answer)
                continue
            token = answer.headers["X-Subject-Token"]
            wrong.extend(one for one in two.all if not one.works(token))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(load, process) for process in two.all for _ in range(2)]
        for _ in range(4):
            subprocess.run([*COMMAND, "identity", "rotate-keys", "--config", str(two.all[0].config), "--state",
                            str(two.folder / "state")], check=True, capture_output=True)
        stop.set()
        for future in futures:
            future.result()
    assert wrong == []


def test_signed_tokens_in_two_processes(database, tmp_path):
    with Processes(tmp_path, database("signed"), identity={"tokens": "jws"}) as made:
        one, other = made.all
        user, project = made.person()
        token = one.token(user, "secret", project)
        assert token.count(".") == 2 and other.works(token)
        subprocess.run([*COMMAND, "identity", "rotate-keys", "--config", str(one.config), "--state",
                        str(tmp_path / "state")], check=True, capture_output=True)
        fresh = other.token(user, "secret", project)
        assert one.works(fresh) and one.works(token) and other.works(token)
        assert made.faults() == []


@pytest.mark.parametrize("product", ["postgresql", "sqlite"])
def test_two_workers_behind_one_port(database, tmp_path, product):
    """Both answer, and what one is told the other knows within a second."""
    url = database("workers") if product == "postgresql" else f"sqlite:///{tmp_path}/cloud.db"
    with Processes(tmp_path, url, names=("one",), http={"workers": 2}) as made:
        one, = made.all
        workers = subprocess.run(["pgrep", "-P", str(one.running.pid)], capture_output=True, text=True).stdout.split()
        assert len(workers) == 2
        before = {pid: _ticks(pid) for pid in workers}
        user, project = made.person()
        token = one.token(user, "secret", project)
        statuses = at_once(*(lambda: one.request("GET", "/auth/projects", token=token).status for _ in range(64)))
        assert set(statuses) == {200}
        for _ in range(4):
            at_once(*(lambda: one.login(user, "secret", project).status for _ in range(32)))
        assert all(_ticks(pid) > before[pid] for pid in workers), "both have worked"
        one.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}}, made.admin)

        def all_refuse():
            return {one.works(token) for _ in range(12)} == {False}
        assert elapsed(all_refuse) <= on_this_machine(1.5)
        assert made.faults() == []


def _ticks(pid):
    """CPU time of a process in ticks."""
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
