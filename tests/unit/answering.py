"""A cloud in this process that answers commands over HTTP on a port."""

import contextlib
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import yaml
from stratolith.core.conformance.cloud import InProcess


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *words):
        """Nothing."""


@contextlib.contextmanager
def answering(tmp_path_factory, kind, path, options):
    """A started cloud whose service of type ``kind`` is in the catalog at ``path`` of the port; ``file`` is its file of
    clouds."""
    made = InProcess(tmp_path_factory.mktemp("cloud"), options=options).start()
    made.run(1)
    server = make_server("127.0.0.1", 0, made.cloud.wsgi, handler_class=Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    service = made.request("GET", f"/identity/v3/services?type={kind}").json["services"][0]["id"]
    for one in made.request("GET", f"/identity/v3/endpoints?service_id={service}").json["endpoints"]:
        made.request("PATCH", f"/identity/v3/endpoints/{one['id']}", {"endpoint": {"url": address + path}})
    made.file = tmp_path_factory.mktemp("state") / "clouds.yaml"
    made.file.write_text(yaml.safe_dump({"clouds": {"stratolith-admin": {"auth": {
        "auth_url": address + "/identity", "username": "admin", "password": made.secrets.admin,
        "project_name": "admin"}}}}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        made.stop()
