"""RabbitMQ, memcached, PostgreSQL and MariaDB of the tests' own: each in a temporary folder, on a free port."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE_S = 180.0


def free_port():
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(check, what):
    """Wait until ``check`` gives something true, asking often; return it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            found = check()
            if found:
                return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come up within {PATIENCE_S:g} s")


def accepts(port):
    """Tell whether something accepts connections on the port."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@contextlib.contextmanager
def folder(owner):
    """A temporary folder that belongs to ``owner``."""
    path = Path(tempfile.mkdtemp(prefix="stratolith-live-"))
    user = pwd.getpwnam(owner)
    os.chown(path, user.pw_uid, user.pw_gid)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def process(arguments, user, log, **more):
    """A process in a group of its own; the whole group is ended at the end."""
    with open(log, "wb") as output:
        running = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True, user=user, **more)
    try:
        yield running
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(15)
                break


class Broker:
    """A RabbitMQ that can be killed and started again with what it kept on disk."""

    def __init__(self, home):
        self.home = home
        self.port, self.epmd, distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "RABBITMQ_NODENAME": f"live{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution), "ERL_EPMD_PORT": str(self.epmd),
            "RABBITMQ_MNESIA_BASE": str(home / "data"), "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "RABBITMQ_CONF_ENV_FILE": "/dev/null"}
        self.life = contextlib.ExitStack()

    def start(self):
        """Start it and wait until it accepts connections."""
        self.running = self.life.enter_context(process(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"], "rabbitmq", self.home / "out", cwd=self.home,
            env=self.environment))
        until(lambda: accepts(self.port), "RabbitMQ")

    def kill(self):
        """End it at once."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.stop()

    def stop(self):
        """End it and what it left."""
        self.life.close()
        subprocess.run(["epmd", "-port", str(self.epmd), "-kill"], capture_output=True, check=False)


@contextlib.contextmanager
def rabbitmq():
    """A broker; gives its kombu URL."""
    with broker() as made:
        yield made.url


@contextlib.contextmanager
def broker():
    """A broker that can be killed and started again."""
    with folder("rabbitmq") as home:
        made = Broker(home)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@contextlib.contextmanager
def memcached():
    """A memcached; gives its port."""
    with folder("nobody") as home:
        port = free_port()
        arguments = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "16"]
        with process(arguments, "nobody", home / "out", cwd=home):
            until(lambda: accepts(port), "memcached")
            yield port


def postgresql_folder():
    """Where Debian keeps the newest PostgreSQL's programs."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@contextlib.contextmanager
def postgresql():
    """A PostgreSQL server; gives a function that makes an empty database and gives its URL."""
    with folder("postgres") as home:
        port, programs, data = free_port(), postgresql_folder(), home / "data"
        subprocess.run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
                       user="postgres", cwd=home, check=True, capture_output=True)
        arguments = [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", home, "-F",
                     "-c", "max_connections=200"]
        with process(arguments, "postgres", home / "out", cwd=home):
            create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
            until(lambda: accepts(port), "PostgreSQL")

            def make(name):
                until(lambda: subprocess.run([*create, name], check=True, capture_output=True), f"database {name}")
                return f"postgresql+psycopg://postgres@127.0.0.1:{port}/{name}"
            yield make


@contextlib.contextmanager
def mariadb():
    """A MariaDB server; gives a function that makes an empty database and gives its URL."""
    with folder("mysql") as home:
        port, data, socket_path = free_port(), home / "data", home / "sock"
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method"
                        "=normal", "--skip-test-db"], user="mysql", cwd=home, check=True, capture_output=True)
        arguments = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
                     f"--socket={socket_path}", f"--pid-file={home / 'pid'}", "--innodb-flush-log-at-trx-commit=0",
                     "--character-set-server=utf8mb4", "--max-connections=200"]
        with process(arguments, "mysql", home / "out", cwd=home):
            until(lambda: accepts(port), "MariaDB")

            def make(name):
                client = ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", "root", "-e",
                          f"CREATE DATABASE {name}"]
                until(lambda: subprocess.run(client, check=True, capture_output=True), f"database {name}")
                return f"mysql+pymysql://root@127.0.0.1:{port}/{name}?charset=utf8mb4&ssl_disabled=true"
            yield make
