"""How long logins of users of an LDAP directory take, cold and warm, and when a server dies or hangs.

    python benchmarks/identity_ldap.py [--users 100000] [--logins 300]

Two OpenLDAP servers of its own (slapd is needed) hold the users and groups in groups; the identity service runs in
this process on SQLite. A login is a whole request: password, a role by way of a group in a group, a token for a
project. ``cold`` is the first login of a new process, connections and all; ``warm`` are logins of other users later;
``again`` of the same user. Wanted are 300 ms cold and 50 ms warm on an idle machine, fail-over within 1 s.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from stratolith.core.config import Configuration
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.conformance.runner import opened, registry

from tests.live.directory import SLAPD, SUFFIX, Directory, slapd, tree

PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
PER_GROUP = 1000


def ldif(count: int) -> str:
    """Users, groups of a thousand, and one group of all those groups."""
    parts = [tree("ou=people", "ou=groups")]
    parts += [f"dn: uid=u{number},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: u{number}\ncn: u{number}\nsn: u\n"
              f"userPassword: pw{number}\n\n" for number in range(count)]
    names = range(0, count, PER_GROUP)
    for first in names:
        members = "".join(f"member: uid=u{number},{PEOPLE}\n" for number in range(first, min(first + PER_GROUP, count)))
        parts.append(f"dn: cn=g{first},{GROUPS}\nobjectClass: groupOfNames\ncn: g{first}\n{members}\n")
    inner = "".join(f"member: cn=g{first},{GROUPS}\n" for first in names)
    return "".join([*parts, f"dn: cn=all,{GROUPS}\nobjectClass: groupOfNames\ncn: all\n{inner}\n"])


@contextlib.contextmanager
def cloud(folder: Path, *directories: Directory) -> Iterator[tuple[InProcess, str]]:
    """A cloud with the domain corp on the directories, and the id of a project on which the group of all is member."""
    lines = {**directories[0].options(), "url": ", ".join(one.url for one in directories)}
    (folder / "corp.ini").write_text("[identity]\nbackend = ldap\n[identity.ldap]\n"
                                     + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    (folder / "corp.ini").chmod(0o600)
    made = InProcess(folder, persistent=True, services=["identity"],
                     options={"identity": {"domain_config_dir": str(folder)}}).start()

    def ask(method: str, path: str, body: Any = None) -> Any:
        return made.request(method, "/identity/v3" + path, body).json

    corp = ask("POST", "/domains", {"domain": {"name": "corp"}})["domain"]["id"]
    project = ask("POST", "/projects", {"project": {"name": "p", "domain_id": corp}})["project"]["id"]
    group = ask("GET", f"/groups?domain_id={corp}&name=all")["groups"][0]["id"]
    role = ask("GET", "/roles?name=member")["roles"][0]["id"]
    made.request("PUT", f"/identity/v3/projects/{project}/groups/{group}/roles/{role}")
    # A new process knows nothing of the directory yet.
    made.cloud.services["identity"].store.backend.close()
    yield made, project
    made.stop()


def login_ms(made: InProcess, project: str, number: int) -> float:
    """Milliseconds of one login."""
    user = {"name": f"u{number}", "password": f"pw{number}", "domain": {"name": "corp"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                     "scope": {"project": {"id": project}}}}
    begun = time.perf_counter()
    answer = made.request("POST", "/identity/v3/auth/tokens", body, as_=None)
    took = (time.perf_counter() - begun) * 1000
    if answer.status != 201:
        raise SystemExit(f"a login failed: {answer}")
    return took


def show(name: str, taken: list[float]) -> None:
    """Median and worst of some times."""
    print(f"{name:<12}{statistics.median(taken):9.1f} ms median {max(taken):9.1f} ms at most  ({len(taken)})")


def logins(count: int, directory: Directory, users: int) -> None:
    """Cold and warm logins."""
    with tempfile.TemporaryDirectory() as folder, cloud(Path(folder), directory) as (made, project):
        show("cold", [login_ms(made, project, 0)])
        step = max(1, users // count)
        show("warm", [login_ms(made, project, number) for number in range(1, users, step)][:count])
        show("again", [login_ms(made, project, 1) for _ in range(count)])
        backend = made.cloud.services["identity"].store.backend
        corp = made.request("GET", "/identity/v3/domains?name=corp").json["domains"][0]["id"]
        driver: Any = backend.outside(corp)
        before = driver.operations
        made.clock.advance(10)
        login_ms(made, project, users - 1)
        spent = {kind: number - before.get(kind, 0) for kind, number in driver.operations.items()}
        print(f"operations of one warm login: {', '.join(f'{number} {kind}' for kind, number in spent.items())}")


def fail_over(name: str, fate: Callable[[Directory], None], first: Directory, second: Directory) -> None:
    """The login during which the first server goes away, and the one after it."""
    given = {**first.options(), "url": f"{first.url}, {second.url}", "remember_s": "0"}
    with tempfile.TemporaryDirectory() as folder:
        for driver in opened(registry("identity").load("ldap"), "identity.ldap",
                             Configuration({"identity.ldap": given}, {}), Path(folder)):
            known: Any = driver
            known.authenticate("pw1", name="u1")
            fate(first)
            for when in ("during", "after"):
                begun = time.perf_counter()
                known.authenticate("pw1", name="u1")
                print(f"{name}, {when}: {(time.perf_counter() - begun) * 1000:9.1f} ms")


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--logins", type=int, default=300)
    arguments = parser.parse_args()
    if not Path(SLAPD).exists():
        print("This benchmark needs slapd (Debian: slapd, ldap-utils) and the extra [ldap].")
        return
    logging.disable(logging.WARNING)
    with slapd(ldif(arguments.users)) as first, slapd(ldif(PER_GROUP)) as second:
        print(f"{arguments.users} users")
        logins(arguments.logins, first, arguments.users)
        fail_over("the server ends", Directory.stop, first, second)
        first.start()
        fail_over("the server hangs", Directory.hang, first, second)
        first.go_on()


if __name__ == "__main__":
    main()
