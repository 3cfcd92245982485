"""Placement alone: a cloud of one slice, with an identity that believes what a token says."""

import pytest

from tests.api.alone import Alone


class Placement(Alone):
    """Placement alone; ``version`` is a number such as ``39``."""

    def ask(self, method, path, body=None, *, version=39, as_="p:admin", headers=None):
        return self.request(method, "/placement" + path, body, as_=as_, headers=headers,
                            version=f"placement 1.{version}")

    def provider(self, name, inventories=None, **more):
        """A provider with inventories; its id."""
        id = self.ask("POST", "/resource_providers", {"name": name, **more}).json["uuid"]
        if inventories:
            body = {"resource_provider_generation": 0, "inventories": {c: {"total": n} for c, n in inventories.items()}}
            assert self.ask("PUT", f"/resource_providers/{id}/inventories", body).status == 200
        return id

    def claimed(self, consumer, amounts, generation=None, version=39, **more):
        """The answer to a claim of amounts by provider."""
        body = {"allocations": {id: {"resources": of} for id, of in amounts.items()}, "project_id": "p", "user_id": "u",
                "consumer_generation": generation, "consumer_type": "INSTANCE", **more}
        return self.ask("PUT", f"/allocations/{consumer}", body, version=version)


@pytest.fixture
def cloud(tmp_path):
    """An empty placement."""
    made = Placement(tmp_path, services=["placement"]).start()
    yield made
    made.stop()
