"""Marked secrets go in through every door; then all that is kept or told is searched for them."""

import base64
import logging

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess

PASSWORD = "MARKED-PASSWORD-7f3a"
CHANGED = "MARKED-CHANGED-91bc"
ADMIN_PASS = "MARKED-ADMINPASS-44de"
USER_DATA = "MARKED-USERDATA-0c1d"
BLOB = "MARKED-BLOB-e55f"
PROGRAM = "MARKED-PROGRAM-63cd"
FILE = "MARKED-FILE-28aa"
PERSONAL = base64.b64encode(FILE.encode()).decode()
SCRIPT = base64.b64encode(USER_DATA.encode()).decode()
SECRETS = (PASSWORD, CHANGED, ADMIN_PASS, USER_DATA, BLOB, PROGRAM, FILE, PERSONAL, SCRIPT)

KEPT = {("server_details", "user_data"): {SCRIPT}, ("server_details", "personality"): {PERSONAL}}
"""What guests may ask for again and again; it lies in the rows of their server and nowhere else."""


class Records(logging.Handler):
    """All log records, as text with their exceptions."""

    def __init__(self):
        super().__init__(level=0)
        self.lines = []
        self.setFormatter(logging.Formatter())

    def emit(self, record):
        self.lines.append(f"{self.format(record)} {record.__dict__}")


@pytest.fixture(scope="module")
def heard():
    """Everything that is logged while the module runs, from DEBUG on."""
    records, root = Records(), logging.getLogger()
    before = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    yield records
    root.removeHandler(records)
    root.setLevel(before)


@pytest.fixture(scope="module")
def walked(tmp_path_factory, heard):
    """A cloud that was told all the secrets, and those it made itself."""
    cloud = InProcess(tmp_path_factory.mktemp("secrets")).start()
    made = Walk(cloud)
    yield made
    cloud.stop()


class Walk:
    """Users, tokens, credentials, servers, volumes, attachments and transfers; failures too."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.secrets = list(SECRETS)
        self.answers = []
        self.identity()
        self.compute()
        self.volumes()
        self.secrets += cloud._tokens.values()

    def ask(self, method, path, body=None, status=None, **more):
        answer = self.cloud.request(method, path, body, **more)
        assert status is None or answer.status == status, (method, path, answer)
        self.answers.append((method, path, answer))
        self.cloud.run(5)
        return answer.json if answer.data[:1] == b"{" else None

    def identity(self):
        body = {"user": {"name": "marked", "password": PASSWORD, "email": "e@x"}}
        user = self.ask("POST", "/identity/v3/users", body, 201)["user"]["id"]
        self.ask("POST", "/identity/v3/users", {"user": {"name": "marked", "password": PASSWORD}}, 409)
        self.login(user, PASSWORD, 201)
        self.login(user, CHANGED, 401)
        self.ask("POST", f"/identity/v3/users/{user}/password",
                 {"user": {"original_password": PASSWORD, "password": CHANGED}}, 204, as_=None)
        self.ask("POST", f"/identity/v3/users/{user}/password",
                 {"user": {"original_password": PASSWORD, "password": 1}}, 400, as_=None)
        self.ask("PATCH", f"/identity/v3/users/{user}", {"user": {"password": PASSWORD}}, 200)
        self.login(user, PASSWORD, 201)
        body = {"credential": {"type": "cert", "blob": BLOB, "project_id": self.project()}}
        made = self.ask("POST", "/identity/v3/credentials", body, 201, as_="demo")["credential"]["id"]
        self.ask("PATCH", f"/identity/v3/credentials/{made}", {"credential": {"blob": BLOB}}, 200, as_="demo")
        token = self.cloud.token("demo", "demo")
        self.ask("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": token}, status=200)
        self.ask("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": token + "x"}, status=404)

        self.lent(self.cloud.request("GET", "/identity/v3/users?name=demo").json["users"][0]["id"])

    def lent(self, user):
        """Secrets of programs and consumers, keys for signing, receipts."""
        path = f"/identity/v3/users/{user}"
        body = {"application_credential": {"name": "p", "secret": PROGRAM}}
        made = self.silent(path + "/application_credentials", body)["application_credential"]
        self.ask("POST", path + "/application_credentials", body, 409, as_="demo")
        for id, status in ((made["id"], 201), ("0" * 32, 401)):
            self.present({"methods": ["application_credential"], "application_credential": {
                "id": id, "secret": PROGRAM}}, status)
        key = self.silent(path + "/credentials/OS-EC2", {"tenant_id": self.project()})["credential"]
        self.secrets.append(key["secret"])
        self.ask("POST", "/identity/v3/ec2tokens", {"credentials": {**key, "signature": "x"}}, 401)
        consumer = self.silent("/identity/v3/OS-OAUTH1/consumers", {"consumer": {}}, "admin")["consumer"]
        self.secrets.append(consumer["secret"])
        self.ask("POST", "/identity/v3/OS-OAUTH1/request_token", None, 401, as_=None, headers={
            "Authorization": f'OAuth oauth_consumer_key="{consumer["id"]}", oauth_signature="{consumer["secret"]}"'})

    def silent(self, path, body, as_="demo"):
        """Make something whose answer is the one place that tells its secret."""
        answer = self.cloud.request("POST", path, body, as_=as_)
        assert answer.status == 201, answer
        return answer.json

    def present(self, identity, status):
        answer = self.cloud.request("POST", "/identity/v3/auth/tokens", {"auth": {"identity": identity}}, as_=None)
        assert answer.status == status, answer
        if status == 201:
            self.secrets.append(answer.headers["x-subject-token"])

    def project(self):
        return self.cloud.request("GET", "/identity/v3/projects?name=demo").json["projects"][0]["id"]

    def login(self, user, password, status):
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "id": user, "password": password}}}}}
        answer = self.cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None)
        assert answer.status == status
        if status == 201:
            self.secrets.append(answer.headers["x-subject-token"])

    def compute(self):
        image = self.ask("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"},
                         201, as_="demo")["id"]
        self.ask("PUT", f"/image/v2/images/{image}/file", bytes(65536), 204, as_="demo",
                 headers={"Content-Type": "application/octet-stream"})
        self.image = image
        server = {"name": "s", "flavorRef": "1", "imageRef": image, "adminPass": ADMIN_PASS, "user_data": SCRIPT,
                  "personality": [{"path": "/etc/x", "contents": PERSONAL}], "networks": "none",
                  "config_drive": True}
        self.server = self.boot(server)
        path = f"/compute/v2.1/servers/{self.server}/action"
        self.ask("POST", path, {"changePassword": {"adminPass": ADMIN_PASS}}, as_="demo")
        self.ask("POST", path, {"rebuild": {"imageRef": image, "adminPass": ADMIN_PASS, "user_data": SCRIPT}}, 202,
                 as_="demo", version="compute 2.57")
        self.cloud.run(5)
        self.ask("POST", path, {"rescue": {"adminPass": ADMIN_PASS}}, 200, as_="demo")
        self.cloud.run(5)
        self.ask("POST", path, {"unrescue": None}, 202, as_="demo")
        self.cloud.run(5)
        self.driver_fails("spawn")
        self.boot(server)
        self.driver_heals()
        self.boot({**server, "adminPass": None, "name": "own"}, drop="adminPass")
        key = self.ask("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": "k"}}, 200, as_="demo")["keypair"]
        self.secrets += [line for line in key["private_key"].splitlines() if line and "-----" not in line]

    def boot(self, server, drop=""):
        server = {name: value for name, value in server.items() if name != drop}
        made = self.ask("POST", "/compute/v2.1/servers", {"server": server}, 202, as_="demo",
                        version="compute 2.37")["server"]
        self.secrets.append(made["adminPass"])
        return made["id"]

    def driver_fails(self, call):
        for host in self.cloud.cloud.agents["compute"].hosts:
            host.driver.fail(call, times=1)

    def driver_heals(self):
        for host in self.cloud.cloud.agents["compute"].hosts:
            host.driver.heal()

    def volumes(self):
        made = self.ask("POST", "/volume/v3/volumes", {"volume": {"size": 1, "imageRef": self.image}}, 202,
                        as_="demo")["volume"]["id"]
        path = f"/compute/v2.1/servers/{self.server}/os-volume_attachments"
        self.ask("POST", path, {"volumeAttachment": {"volumeId": made}}, 200, as_="demo")
        other = self.ask("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, 202, as_="demo")["volume"]["id"]
        offered = self.ask("POST", "/volume/v3/os-volume-transfer", {"transfer": {"volume_id": other}}, 202,
                           as_="demo")["transfer"]
        self.secrets.append(offered["auth_key"])
        self.ask("POST", f"/volume/v3/os-volume-transfer/{offered['id']}/accept",
                 {"accept": {"auth_key": offered["auth_key"]}}, 202)
        self.offer = offered["id"]


def dump(cloud):
    """Each value of each table, as (table, column, text)."""
    for database in {id(kit.db): kit.db for kit in cloud.cloud.kits.values()}.values():
        metadata = sa.MetaData()
        metadata.reflect(database.engine)
        with database.read() as tx:
            for table in metadata.tables.values():
                for row in tx.rows(sa.select(table)):
                    for column, value in zip(table.columns, row, strict=True):
                        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        yield table.name, column.name, text


def found_in(secrets, text):
    return [secret for secret in secrets if secret in text]


def test_databases_hold_no_secret(walked):
    """Neither in operations, their contexts and histories, nor in the outbox, nor anywhere else."""
    leaks = [(table, column, secret, value[:200]) for table, column, value in dump(walked.cloud)
             for secret in found_in(walked.secrets, value) if secret not in KEPT.get((table, column), ())]
    assert not leaks, "\n".join(map(str, leaks))


def test_logs_tell_no_secret(walked, heard):
    leaks = [(secret, line[:400]) for line in heard.lines for secret in found_in(walked.secrets, line)]
    assert not leaks, "\n".join(map(str, leaks))


def test_logs_are_heard(heard):
    logging.getLogger("stratolith.compute").debug("a line with a %s", PASSWORD)
    assert found_in([PASSWORD], heard.lines[-1])


def test_errors_of_the_database_tell_no_values(walked):
    database = walked.cloud.cloud.kits["identity"].db
    with pytest.raises(sa.exc.DBAPIError) as caught, database.read() as tx:
        tx.rows(sa.text("SELECT 1 FROM nowhere WHERE it = :secret"), {"secret": PASSWORD})
    assert PASSWORD not in str(caught.value)


def test_metrics_tell_no_secret(walked):
    text = walked.cloud.request("GET", "/metrics", as_=None).data.decode()
    assert "stratolith_request_seconds" in text and not found_in(walked.secrets, text)


def test_faults_repeat_no_secret(walked):
    leaks = [(method, path, secret, answer) for method, path, answer in walked.answers if answer.status >= 400
             for secret in found_in(walked.secrets, answer.data.decode())]
    assert not leaks, "\n".join(map(str, leaks))


def test_reads_show_no_secret(walked):
    """Nor do tenants see how a host reaches their volumes, or administrators what tenants hid."""
    for path in ("/compute/v2.1/servers/detail?all_tenants=1", "/identity/v3/users", "/volume/v3/volumes/detail",
                 "/volume/v3/volumes/detail?all_tenants=1",
                 f"/compute/v2.1/servers/{walked.server}/os-instance-actions",
                 "/volume/v3/os-volume-transfer/detail?all_tenants=1", "/compute/v2.1/os-keypairs"):
        for as_ in ("admin", "demo"):
            answer = walked.cloud.request("GET", path, as_=as_)
            leaks = found_in(walked.secrets, answer.data.decode())
            assert not leaks, (path, as_, leaks)
