"""Servers that die, hang, lie or are somebody else: fail-over, TLS, hostile answers."""

import contextlib
import datetime
import ipaddress
import socket
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.identity import Condition, Search
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration, CloudError, NotFound, Unauthorized

from .backing import until
from .directory import ACTIVE_DIRECTORY, FREEIPA, SUFFIX, elapsed, entry, slapd, tree
from .identity_processes import on_this_machine

pytestmark = pytest.mark.live
PEOPLE = f"ou=people,{SUFFIX}"


def person(name, rdn="", **more):
    return entry(f"uid={rdn or name},{PEOPLE}", **{
        "objectClass": ["inetOrgPerson"], "uid": name, "cn": name, "sn": name, "userPassword": "secret", **more})


@contextlib.contextmanager
def driver(tmp_path, *directories, **options):
    """A driver on these servers."""
    given = {**directories[0].options(), "url": ",".join(one.url for one in directories), "remember_s": "0", **options}
    yield from opened(registry("identity").load("ldap"), "identity.ldap", Configuration({"identity.ldap": given}, {}),
                      tmp_path)


def login(made, name="alice"):
    return made.authenticate("secret", name=name).name


@pytest.mark.parametrize("fate", ["stop", "hang"])
def test_the_next_server_answers_within_a_second(tmp_path, fate):
    ldif = tree("ou=people", "ou=groups") + person("alice")
    with slapd(ldif) as first, slapd(ldif) as second, driver(tmp_path, first, second) as made:
        assert login(made) == "alice"
        getattr(first, fate)()
        took = elapsed(lambda: login(made))
        assert took <= on_this_machine(2.0), took
        print(f"LDAP: fail-over after {fate} in {took:.2f} s")
        assert elapsed(lambda: login(made)) < on_this_machine(0.3)
        if fate == "hang":
            first.go_on()


def test_a_new_connection_to_a_server_that_hangs_is_given_up_within_a_second(tmp_path):
    ldif = tree("ou=people", "ou=groups") + person("alice")
    with slapd(ldif) as first, slapd(ldif) as second, driver(tmp_path, first, second) as made:
        first.hang()
        took = elapsed(lambda: login(made))
        first.go_on()
        assert took <= on_this_machine(1.2), took


def test_a_directory_that_comes_back_is_used_again(tmp_path):
    with slapd(tree("ou=people", "ou=groups") + person("alice")) as only, driver(tmp_path, only) as made:
        assert login(made) == "alice"
        only.stop()
        for _ in range(3):
            with pytest.raises(BackendBusy):
                login(made)
        assert elapsed(lambda: pytest.raises(BackendBusy, login, made)) < on_this_machine(0.1)
        only.start()

        def back():
            with contextlib.suppress(BackendBusy):
                return login(made)

        assert until(back, "the directory") == "alice"


class Authority:
    """A certificate authority and its servers."""

    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        folder.mkdir()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
        self.file = folder / "authority.pem"
        self.file.write_bytes(self.signed(self.name, self.key, authority=True))

    def signed(self, name, key, host=None, authority=False):
        now = datetime.datetime.now(datetime.UTC)
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=2))
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(host)]), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def configuration(self, address):
        """Lines for slapd.conf."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "directory")])
        (self.folder / "server.pem").write_bytes(self.signed(name, key, ipaddress.ip_address(address)))
        (self.folder / "server.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return (f"TLSCACertificateFile {self.file}\nTLSCertificateFile {self.folder}/server.pem\n"
                f"TLSCertificateKeyFile {self.folder}/server.key\n")


def test_tls(tmp_path, caplog):
    authority, stranger = Authority(tmp_path / "good"), Authority(tmp_path / "evil")
    good, evil = {"tls_cacertfile": str(authority.file)}, {"tls_cacertfile": str(stranger.file)}
    with slapd(tree("ou=people", "ou=groups") + person("alice"), tls=authority.configuration("127.0.0.1"),
               global_more="security simple_bind=128\n") as server:
        another = server.tls_url.replace("127.0.0.1", "127.0.0.2")
        well = (
            {**good, "url": server.tls_url}, {**good, "url": server.url, "use_tls": "true"},
            {"tls_cacertdir": str(authority.folder), "url": server.tls_url},
            {**evil, "url": server.tls_url, "tls_req_cert": "never"},
            {**evil, "url": server.url, "use_tls": "true", "tls_req_cert": "allow"})
        ill = (
            {**evil, "url": server.tls_url}, {"url": server.tls_url}, {**evil, "url": server.url, "use_tls": "true"},
            {**good, "url": another},
            {"url": server.url})
        for number, options in enumerate(well):
            with driver(tmp_path / f"well{number}", server, **options) as made:
                assert login(made) == "alice", options
        for number, options in enumerate(ill):
            with driver(tmp_path / f"ill{number}", server, **options) as made, pytest.raises(
                    (BackendBusy, BackendFailed)):
                login(made)
    assert "ANYBODY" in caplog.text and server.password not in caplog.text


HOSTILE = (tree("ou=people", "ou=groups") + person("alice", employeeNumber="1") + person("twin", employeeNumber="2")
           + person("twin", rdn="twin2", employeeNumber="3") + person("copy", employeeNumber="4")
           + person("other", employeeNumber="4") + person("nameless") + person("long", employeeNumber="5" * 300)
           + person("binary", employeeNumber="6", description="x" * 70_000)
           + entry(f"uid=elsewhere,{PEOPLE}", objectClass=["referral", "extensibleObject"], uid="elsewhere",
                   ref="ldap://127.0.0.1:1/ou=people,dc=example,dc=org"))


def test_what_servers_say_is_not_believed_blindly(tmp_path, caplog):
    with slapd(HOSTILE) as server, driver(tmp_path, server, user_id_attribute="employeeNumber") as made:
        assert login(made) == "alice"
        for name in ("twin", "nameless", "long", "elsewhere"):
            with pytest.raises(Unauthorized):
                login(made, name)
        with pytest.raises(NotFound):
            made.user("4")
        with pytest.raises(Unauthorized):
            made.authenticate("secret", user_id="4")
        assert {user.name for user in made.users(Search())} == {"alice", "twin", "binary"}
        assert "description" not in made.user("6").extra
        assert set(made.users_by_id(["1", "4", "6"])) == {"1", "6"}
        assert "two users of the directory have the id '4'" in caplog.text


def test_a_login_by_name_of_one_of_two_with_an_id_is_refused_by_id(tmp_path):
    with slapd(HOSTILE) as server, driver(tmp_path, server, user_id_attribute="employeeNumber") as made:
        user = made.authenticate("secret", name="copy")
        with pytest.raises(NotFound):
            made.user(user.id)


@pytest.mark.parametrize("junk", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x84\xff\xff\xff\xff" + b"\0" * 64,
                                  b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01"])
def test_what_is_no_directory_at_all(tmp_path, junk):
    """Whatever is listening there: an answer within a second, and no crash."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(junk)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        options = {"url": f"ldap://127.0.0.1:{listening.getsockname()[1]}", "suffix": SUFFIX}
        known = Configuration({"identity.ldap": options}, {})
        for made in opened(registry("identity").load("ldap"), "identity.ldap", known, tmp_path):
            begun = time.monotonic()
            with pytest.raises(CloudError):
                login(made)
            assert time.monotonic() - begun < on_this_machine(2)
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("options", [{}, {"use_tls": "true"}, {"scheme": "ldaps"}])
def test_what_says_nothing_at_all(tmp_path, options):
    """It accepts the connection and is silent: before StartTLS, in the handshake of TLS, before the first answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        scheme = options.pop("scheme", "ldap")
        given = {"url": f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", "suffix": SUFFIX, **options}
        for made in opened(registry("identity").load("ldap"), "identity.ldap",
                           Configuration({"identity.ldap": given}, {}), tmp_path):
            begun = time.monotonic()
            with pytest.raises(BackendBusy):
                login(made)
            assert time.monotonic() - begun < on_this_machine(1.5)


def test_ids_in_bytes_and_a_bit_that_disables(tmp_path):
    guid = bytes(range(16))
    ldif = tree("cn=Users") + "".join(
        entry(f"cn={name},cn=Users,{SUFFIX}", objectClass=["user"], cn=name, sAMAccountName=name,
              userAccountControl=control, objectGUID=bytes([number]) + guid[1:], userPassword="secret")
        for number, (name, control) in enumerate((("alice", 512), ("bob", 514), ("c(a*l", 66048)))) + entry(
        f"cn=box,cn=Users,{SUFFIX}", objectClass=["computer"], cn="box", sAMAccountName="box$",
        objectGUID=b"\xff" + guid[1:]) + entry(
        f"cn=crew,cn=Users,{SUFFIX}", objectClass=["group"], cn="crew", sAMAccountName="crew",
        objectGUID=b"\xfe" + guid[1:], member=[f"cn=bob,cn=Users,{SUFFIX}"])
    with slapd(ldif, schema=ACTIVE_DIRECTORY) as server, driver(
            tmp_path, server, layout="active_directory", nested_groups="breadth_first") as made:
        alice = made.authenticate("secret", name="ALICE")
        assert alice.id == "03020100-0504-0706-0809-0a0b0c0d0e0f" and alice.enabled
        assert made.user(alice.id) == alice and made.users_by_id([alice.id, "x"]) == {alice.id: alice}
        bob = made.user_named("", "bob")
        assert not bob.enabled
        assert made.groups_of(bob.id) == ["030201fe-0504-0706-0809-0a0b0c0d0e0f"]
        assert made.members(made.groups_of(bob.id)) == {made.groups_of(bob.id)[0]: [bob.id]}
        assert [user.name for user in made.users(Search(conditions=(Condition("enabled", "equals", True),)))] == [
            "alice", "c(a*l"]
        for nobody in ("*", "0", "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(NotFound):
                made.user(nobody)


def test_freeipa_tells_indirect_groups_itself(tmp_path):
    people, groups = f"cn=users,cn=accounts,{SUFFIX}", f"cn=groups,cn=accounts,{SUFFIX}"
    inner, outer = f"cn=inner,{groups}", f"cn=outer,{groups}"
    ldif = tree("cn=accounts", "cn=users,cn=accounts", "cn=groups,cn=accounts") + "".join(
        entry(f"uid={name},{people}", objectClass=["inetOrgPerson", "ipaObject"], uid=name, cn=name, sn=name,
              ipaUniqueID=f"id-{name}", userPassword="secret", nsAccountLock=lock,
              memberOf=[*member_of, f"cn=some role,cn=roles,{SUFFIX}"])
        for name, lock, member_of in (("alice", "FALSE", [inner, outer]), ("bob", "TRUE", [outer]), ("carol", "", [])))
    ldif = ldif.replace("nsAccountLock:: \n", "") + "".join(
        entry(dn, objectClass=["groupOfNames", "ipaObject"], cn=name, ipaUniqueID=f"id-{name}", member=member)
        for dn, name, member in ((inner, "inner", f"uid=alice,{people}"),
                                 (outer, "outer", [inner, f"uid=bob,{people}"])))
    with slapd(ldif, schema=FREEIPA) as server, driver(tmp_path, server, layout="freeipa") as made:
        assert made.authenticate("secret", name="alice").id == "id-alice"
        assert made.groups_of("id-alice") == ["id-inner", "id-outer"] and made.groups_of("id-bob") == ["id-outer"]
        assert made.groups_of("id-carol") == []
        assert made.members(["id-inner", "id-outer"]) == {"id-inner": ["id-alice"], "id-outer": ["id-alice", "id-bob"]}
        assert {user.name: user.enabled for user in made.users(Search())} == {
            "alice": True, "bob": False, "carol": True}


def test_posix_groups_name_users_by_uid(tmp_path):
    ldif = tree("ou=people", "ou=groups") + "".join(person(name) for name in ("alice", "bob", "b*b")) + "".join(
        entry(f"cn={name},ou=groups,{SUFFIX}", objectClass=["posixGroup"], cn=name, gidNumber=number, memberUid=members)
        for number, (name, members) in enumerate((("staff", ["alice", "b*b", "gone"]), ("ops", ["bob"])))) + entry(
        f"cn=none,ou=groups,{SUFFIX}", objectClass=["posixGroup"], cn="none", gidNumber=9)
    with slapd(ldif) as server, driver(tmp_path, server, group_objectclass="posixGroup", group_members_are_ids="true",
                                       group_member_attribute="memberUid") as made:
        groups = {group.name: group.id for group in made.groups(Search())}
        people = {user.name: user.id for user in made.users(Search())}
        assert set(groups) == {"staff", "ops", "none"}
        assert made.groups_of(people["b*b"]) == [groups["staff"]] and made.groups_of(people["bob"]) == [groups["ops"]]
        found = made.members(list(groups.values()))
        assert found[groups["staff"]] == sorted([people["alice"], people["b*b"]])
        assert not found.get(groups["none"])


def test_a_filter_that_is_none_says_so(tmp_path):
    with slapd(tree("ou=people", "ou=groups")) as server, driver(
            tmp_path, server, user_filter="(uid=a") as made, pytest.raises(BadConfiguration):
        made.users(Search())
