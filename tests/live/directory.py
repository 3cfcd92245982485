"""An OpenLDAP server of the tests' own: in a temporary folder, on free ports, without root."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .backing import free_port, until

SUFFIX = "dc=example,dc=org"
ADMIN, SECRET = f"cn=admin,{SUFFIX}", "directory secret"
SCHEMAS = ("core", "cosine", "nis", "inetorgperson")
SLAPD, SLAPADD = "/usr/sbin/slapd", "/usr/sbin/slapadd"
MODULES = "/usr/lib/ldap"

ACTIVE_DIRECTORY = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top STRUCTURAL MUST ( cn $ sAMAccountName )
  MAY ( userAccountControl $ objectGUID $ userPassword $ mail $ description $ givenName $ sn ) )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MUST ( cn $ sAMAccountName )
  MAY ( objectGUID $ member $ description ) )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP user STRUCTURAL )
"""
FREEIPA = """
attributetype ( 2.16.840.1.113730.3.8.3.1 NAME 'ipaUniqueID' EQUALITY caseExactMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 2.16.840.1.113730.3.8.4.1 NAME 'ipaObject' SUP top AUXILIARY MAY ( ipaUniqueID $ nsAccountLock ) )
objectclass ( 2.16.840.1.113730.3.8.4.2 NAME 'ipaUserGroup' SUP top STRUCTURAL MUST cn
  MAY ( member $ description $ ipaUniqueID ) )
"""


class Directory:
    """One server; ``ldif`` is loaded before it starts. ``more`` goes into its configuration."""

    def __init__(self, home, ldif, schema="", more="", tls="", global_more=""):
        self.home, self.port, self.tls_port = home, free_port(), free_port()
        self.url, self.tls_url = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.tls_port}"
        self._tls = tls
        (home / "data").mkdir()
        (home / "extra.schema").write_text(schema)
        includes = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in SCHEMAS)
        (home / "slapd.conf").write_text(f"""{includes}include {home}/extra.schema
pidfile {home}/pid
modulepath {MODULES}
moduleload back_mdb
moduleload memberof
{global_more}{tls}
sizelimit unlimited
threads 4
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw {SECRET.replace(' ', '')}
directory {home}/data
maxsize 2147483648
dbnosync
index objectClass,entryUUID,member,memberUid eq
index uid,cn,mail eq,sub
{more}""")
        self.password = SECRET.replace(" ", "")
        if ldif:
            (home / "ldif").write_text(ldif)
            subprocess.run([SLAPADD, "-q", "-f", home / "slapd.conf", "-l", home / "ldif"], check=True,
                           capture_output=True)
        self.running = None

    def start(self):
        """Start it, and wait until it answers."""
        urls = f"{self.url} ldaps://:{self.tls_port}" if self._tls else self.url
        with open(self.home / "out", "ab") as output:
            self.running = subprocess.Popen([SLAPD, "-f", self.home / "slapd.conf", "-h", urls, "-d", "0"],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        until(self._answers, "slapd")

    def _answers(self):
        from .backing import accepts
        assert self.running.poll() is None, (self.home / "out").read_text()[-2000:]
        return accepts(self.port)

    def hang(self):
        """Let it accept connections and say nothing."""
        os.kill(self.running.pid, signal.SIGSTOP)

    def go_on(self):
        """Let it work again."""
        os.kill(self.running.pid, signal.SIGCONT)

    def stop(self):
        """End it."""
        if self.running is not None:
            self.running.send_signal(signal.SIGCONT)
            self.running.terminate()
            try:
                self.running.wait(15)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait(15)
            self.running = None

    def modify(self, ldif):
        """Change it from outside, as its own administrators do."""
        subprocess.run(["ldapmodify", "-x", "-H", self.url, "-D", ADMIN, "-w", self.password], input=ldif, text=True,
                       check=True, capture_output=True)

    def options(self, **more):
        """Options of the driver, as texts."""
        return {"url": self.url, "user": ADMIN, "password": self.password, "suffix": SUFFIX, **more}


@contextlib.contextmanager
def slapd(ldif, **more):
    """A running server."""
    home = Path(tempfile.mkdtemp(prefix="stratolith-live-"))
    made = None
    try:
        made = Directory(home, ldif, **more)
        made.start()
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(home, ignore_errors=True)


def entry(dn, **attributes):
    """One entry as LDIF; a value may be a list."""
    import base64
    lines = [f"dn:: {base64.b64encode(dn.encode()).decode()}"]
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            data = value if isinstance(value, bytes) else str(value).encode()
            lines.append(f"{name}:: {base64.b64encode(data).decode()}")
    return "\n".join(lines) + "\n\n"


def tree(*branches):
    """The suffix and what is right below it, by relative DN (``ou=people``, ``cn=users,cn=accounts``)."""
    text = entry(SUFFIX, objectClass=["top", "dcObject", "organization"], o="Example", dc="example")
    for branch in branches:
        kind, _, value = branch.split(",")[0].partition("=")
        known = {"ou": ["organizationalUnit"], "cn": ["applicationProcess"]}[kind]
        text += entry(f"{branch},{SUFFIX}", objectClass=known, **{kind: value})
    return text


def elapsed(call):
    """Seconds that a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
