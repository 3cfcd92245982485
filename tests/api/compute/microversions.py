"""What each microversion of the compute API changes, as cases that fail when it is not kept.

A case asks the same thing just before its microversion and with it. Requests that only a schema tells apart go to a
server that nobody has: 400 is the schema's refusal, 404 the server's absence.
"""

NOBODY = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
OWN = f"/servers/{NOBODY}"
CASES = {}
UNCHANGED = {
    "2.4": "fixed IPs of nova-network",
    "2.12": "virtual interfaces of nova-network",
    "2.18": "paths without a project are taken in all versions",
    "2.46": "both request id headers are sent in all versions",
    "2.65": "queued live migrations that are aborted are tested with moves",
    "2.69": "there is one cell, so that no server is known only in part",
    "2.72": "no port asks for resources",
    "2.95": "what an evacuation leaves behind is tested with evacuations",
}
"""Microversions without a case here, and why."""


def case(version):
    """Register the case of a microversion."""
    def register(function):
        CASES[version] = function
        return function
    return register


def earlier(version):
    """The microversion before."""
    return f"2.{int(version.partition('.')[2]) - 1}"


class Probe:
    """One case's questions: each is asked with the microversion before and with the case's own."""

    def __init__(self, world, server, version):
        self.world, self.server, self.version, self.before = world, server, version, earlier(version)

    def both(self, method, path, body=None, as_="demo"):
        """The answers before and since."""
        return [self.world.ask(method, path, body, version, as_) for version in (self.before, self.version)]

    def statuses(self, method, path, body=None, as_="demo"):
        """Their statuses."""
        return [one.status for one in self.both(method, path, body, as_)]

    def documents(self, path, *keys, as_="demo"):
        """What is shown before and since, below some keys."""
        found = []
        for answer in self.both("GET", path, as_=as_):
            document = answer.json
            for key in keys:
                document = document[key]
            found.append(document)
        return found

    def servers(self, as_="demo"):
        """The server before and since."""
        return self.documents(f"/servers/{self.server}", "server", as_=as_)

    def comes(self, name, documents):
        """See that a field is there only since."""
        before, since = documents
        assert name not in before, (name, self.before)
        assert name in since, (name, self.version)
        return since[name]

    def goes(self, name, documents):
        """See that a field was there only before."""
        before, since = documents
        assert name in before, (name, self.before)
        assert name not in since, (name, self.version)

    def taken(self, method, path, body, as_="demo"):
        """See that a body is refused before and not since."""
        before, since = self.statuses(method, path, body, as_)
        assert before == 400, (self.before, before)
        assert since != 400, (self.version, since)

    def refused(self, method, path, body=None, as_="demo"):
        """See that a body is refused since and not before."""
        before, since = self.statuses(method, path, body, as_)
        assert before != 400, (self.before, before)
        assert since == 400, (self.version, since)

    def ends(self, method, path, as_="demo", body=None):
        """See that a path, or an action, is there only before."""
        before, since = self.statuses(method, path, body, as_)
        assert before != 404 and since == 404, (path, before, since)

    def begins(self, method, path, as_="demo", body=None):
        """See that a path, or an action, is there only since."""
        before, since = self.statuses(method, path, body, as_)
        assert before == 404 and since != 404, (path, before, since)

    def act(self, name, value, version=""):
        """An action on the server nobody has."""
        return self.world.ask("POST", OWN + "/action", {name: value}, version or self.version, "admin").status

    def create(self, version="", **fields):
        """The status of a request to make a server with a flavor that nobody has."""
        body = {"name": "s", "flavorRef": "none", "imageRef": self.world.image, **fields}
        if int((version or self.version).partition(".")[2]) >= 37:
            body.setdefault("networks", "none")
        answer = self.world.ask("POST", "/servers", {"server": body}, version or self.version, "admin")
        assert answer.status == 400
        return "Flavor none" in answer.json["badRequest"]["message"]

    def creates(self, **fields):
        """See that a create request's fields are known only since."""
        assert not self.create(self.before, **fields), self.before
        assert self.create(self.version, **fields), self.version
