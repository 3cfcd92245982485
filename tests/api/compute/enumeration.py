"""A work on servers that is killed at each of its points: filmed once, then lived on from the photographs.

What crash tests of moves, seats, shelves, ... share; a sample of the photographs is lived on, or all when
STRATOLITH_CRASH_EVERY is 1.
"""

import os
import shutil

from tests.api.compute.life import Started
from tests.api.crash import Film


class Template:
    """A folder with a stopped cloud that has a server, a volume and two flavors; and their ids."""

    options = None

    def __init__(self, folder):
        life = Started(folder, options=self.options)
        cloud = life.made
        made = cloud.request("POST", "/image/v2/images",
                             {"name": "i", "disk_format": "raw", "container_format": "bare"})
        self.folder, self.image = folder, made.json["id"]
        cloud.request("PUT", f"/image/v2/images/{self.image}/file", bytes(1024),
                      headers={"Content-Type": "application/octet-stream"})
        self.small, self.large = self.flavor(life, "s", 1), self.flavor(life, "l", 2)
        self.network = cloud.request("GET", "/network/v2.0/networks?name=private").json["networks"][0]["id"]
        self.volume = cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json["volume"]["id"]
        self.server = life.ask("POST", "/servers", self.body(imageRef=self.image)).json["server"]["id"]
        cloud.run(10)
        assert [one["status"] for one in life.whole("the template")] == ["ACTIVE"]
        self.clock = cloud.clock
        life.end()

    def flavor(self, life, name, size):
        body = {"flavor": {"name": name, "ram": 64 * size, "vcpus": size, "disk": size}}
        return life.ask("POST", "/flavors", body).json["flavor"]["id"]

    def body(self, **more):
        return {"server": {"name": "one", "flavorRef": self.small, "networks": [{"uuid": self.network}], **more}}

    def act(self, life, action):
        life.ask("POST", f"/servers/{self.server}/action", action)
        life.made.run(10)


def whole(life, at):
    """What is looked at where a test does not say more."""
    life.whole(at)


class Enumeration:
    """A ``work`` done once in a copy of a stopped cloud's folder, photographed at each point in ``album``.

    When it has rested for ``rest_s`` seconds, ``check`` sees that all is as it should be.
    """

    def __init__(self, folder, clock, album, work, options=None, rest_s=10, check=whole):
        self.options = options
        self.tried = 0
        place = shutil.copytree(folder, album / "alive")
        life = Started(place, clock, options)
        self.film = Film(place, album, clock)
        life.watch(self.film)
        work(life)
        life.made.run(rest_s)
        self.film("the end")
        check(life, "not killed")
        life.end()

    def lives(self, what, every, rest_s=200):
        """A cloud started on one of so many photographs, when it has come to rest, and the words for where it was."""
        every = int(os.environ.get("STRATOLITH_CRASH_EVERY", every))
        for moment in self.film.moments[::every]:
            life = Started(moment.folder, moment.clock(), self.options)
            life.made.run(rest_s)
            yield life, f"{what} killed at {moment.point}, {moment.folder.name}"
            life.end()
            self.tried += 1

    def figure(self, what):
        """How many points of ``what`` there were, and were tried."""
        return (f"crash enumeration of {what}: {len(self.film.points)} points, {len(self.film.moments)} states of the "
                f"disk, {self.tried} tried")


def of_template(template, album, work, **more):
    """The work done on a template's cloud."""
    return Enumeration(template.folder, template.clock, album, lambda life: work(template, life),
                       options=template.options, **more)


def emptied(life, at):
    """Delete all servers and see that nothing of them is left but the volume that was there before."""
    for one in life.servers():
        assert life.ask("DELETE", f"/servers/{one['id']}").status == 204, at
    life.made.run(60)
    assert life.whole(at) == [], at
    assert [one["status"] for one in life.volumes()] == ["available"], at


def up(life, hosts):
    """Let hosts be up that an administrator called down."""
    for host in hosts:
        life.ask("PUT", "/os-services/force-down", {"host": host, "binary": "nova-compute", "forced_down": False},
                 "2.11")
    life.made.run(60)
