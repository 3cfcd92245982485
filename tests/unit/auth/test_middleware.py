"""Parts of the middleware by themselves: the list of revocations, memory in memcached, access rules, settings."""

import threading

import msgspec
import pytest
from stratolith.auth.middleware.bearer import AccessRule, Identified, of_payload
from stratolith.auth.middleware.headers import OURS, told
from stratolith.auth.middleware.judge import allowed
from stratolith.auth.middleware.memory import Shared, Verdict
from stratolith.auth.middleware.push import listen
from stratolith.auth.middleware.revocations import RevocationList, Standing
from stratolith.auth.middleware.settings import Settings
from stratolith.core.clock import Virtual
from stratolith.core.drivers.revocation import CHANGED_TOPIC, Entry, News, Part
from stratolith.core.drivers.token import Bearer, TokenPayload
from stratolith.core.errors import BackendBusy

NOBODY = Identified(user_id="u", user_name="n", user_domain_id="d", user_domain_name="D", issued_at=1000.0,
                    expires_at=5000.0, audit_ids=("a", "parent"))


class Source:
    """Identity as the list asks it; ``parts`` are its answers in order, the last one again and again."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.since = []

    def __call__(self, since):
        self.since.append(since)
        found = self.parts.pop(0) if len(self.parts) > 1 else self.parts[0]
        if isinstance(found, Exception):
            raise found
        return found


def part(number, *entries, since=0, floor=0.0):
    return Part(number=number, since=since, floor=floor, margin_s=5.0, entries=list(entries))


def made(source, clock=None):
    return RevocationList(clock or Virtual(), source, 0.5, 10.0)


def test_only_what_is_new_is_fetched():
    clock, source = Virtual(), Source(part(7), part(9, Entry("user:u", 2000.0, True), since=7))
    known = made(source, clock)
    for _ in range(3):
        known.refresh()
    clock.advance(0.5)
    known.refresh()
    assert source.since == [0, 7] and known.number == 9
    assert known.standing({"user:u"}, 1999.0) is Standing.REVOKED
    assert known.standing({"user:u"}, 2004.0) is Standing.CHANGED
    assert known.standing({"user:u"}, 2004.0, number=9) is Standing.GOOD
    assert known.standing({"user:u"}, 2005.0) is Standing.GOOD
    assert known.standing({"user:other", "all"}, 1000.0) is Standing.GOOD


def test_a_later_revocation_does_not_hide_an_earlier_change():
    known = made(Source(part(3, Entry("user:u", 2000.0, True), Entry("user:u", 3000.0, False))))
    known.refresh()
    assert known.standing({"user:u"}, 1000.0) is Standing.REVOKED
    assert known.standing({"user:u"}, 2500.0) is Standing.CHANGED


def test_what_was_left_out_is_asked_about():
    known = made(Source(part(3, floor=2000.0)))
    known.refresh()
    assert known.standing({"user:u"}, 1000.0) is Standing.CHANGED
    assert known.standing({"user:u"}, 1000.0, number=3) is Standing.GOOD
    assert known.standing({"user:u"}, 9000.0) is Standing.GOOD


def test_numbers_that_went_back_end_all_that_was_found():
    clock = Virtual()
    known = made(Source(part(9), part(2)), clock)
    known.refresh()
    clock.advance(1)
    before = known.epoch
    known.refresh()
    assert (known.number, known.epoch) == (2, before + 1)


def test_a_list_that_is_too_old_is_none():
    clock = Virtual()
    source = Source(part(1), BackendBusy("away"))
    known = made(source, clock)
    known.refresh()
    clock.advance(5)
    known.refresh()
    clock.advance(5)
    with pytest.raises(BackendBusy):
        known.refresh()
    source.parts = [part(2, since=1)]
    known.refresh()
    assert known.number == 2


def test_at_the_start_nothing_is_believed():
    with pytest.raises(BackendBusy):
        made(Source(BackendBusy("away"))).refresh()


def test_the_bus_tells_in_order_or_is_checked():
    clock, source = Virtual(), Source(part(1), part(5, Entry("user:v", 9000.0, True), since=2))
    known = made(source, clock)
    known.refresh()
    known.hear(msgspec.json.encode(News(2, [Entry("user:u", 2000.0, True)])))
    assert known.standing({"user:u"}, 1.0) is Standing.REVOKED and known.number == 2
    known.hear(msgspec.json.encode(News(2, [])))
    known.refresh()
    assert source.since == [0]
    known.hear(msgspec.json.encode(News(5, [])))
    known.refresh()
    assert source.since == [0, 2] and known.standing({"user:v"}, 1.0) is Standing.REVOKED
    known.hear(b"rubbish")
    known.refresh()
    assert len(source.since) == 3


def test_one_thread_fetches_and_the_others_go_on():
    entered, leave = threading.Event(), threading.Event()

    def slow(since):
        if since:
            entered.set()
            leave.wait(10)
        return part(since + 1, since=since)
    clock = Virtual()
    known = made(slow, clock)
    known.refresh()
    clock.advance(1)
    thread = threading.Thread(target=known.refresh)
    thread.start()
    assert entered.wait(10)
    clock.advance(1)
    known.refresh()
    leave.set()
    thread.join()
    assert known.number == 2


class Memcached:
    """A memcached of this process, which can be away."""

    def __init__(self):
        self.known = {}
        self.away = False

    def get(self, key):
        if self.away:
            raise ConnectionRefusedError
        return self.known.get(key)

    def set(self, key, value, expire):
        if self.away:
            raise ConnectionRefusedError
        self.known[key] = value


@pytest.fixture
def memcached():
    return Memcached()


def shared(memcached, secret="0123456789abcdef"):
    own = Settings(auth_url="x", username="u", memcached_servers=("127.0.0.1:1",), memcache_secret_key=secret)
    memory = Shared(own, Virtual())
    memory._client = memcached
    return memory


VERDICT = Verdict(identified=NOBODY, number=3, epoch=0, at=1500.0)


def test_processes_share_what_they_found(memcached):
    shared(memcached).keep("token", VERDICT)
    assert shared(memcached).get("token") == VERDICT
    assert shared(memcached).get("other") is None


def test_memcached_learns_nothing(memcached):
    shared(memcached).keep("token", VERDICT)
    (key, value), = memcached.known.items()
    assert "token" not in key and b"token" not in value and b"user" not in value


def test_who_writes_memcached_makes_nobody_believed(memcached):
    memory = shared(memcached)
    memory.keep("mine", VERDICT)
    mine = memory._place("mine")
    for forged in (b"", b"rubbish", memcached.known[mine][:-4] + b"AAAA", "text", 3):
        memcached.known[memory._place("token")] = forged
        assert shared(memcached).get("token") is None
    memcached.known[memory._place("token")] = memcached.known[mine]
    assert shared(memcached).get("token") is None, "a verdict is bound to its token"
    assert shared(memcached, "another secret!!").get("mine") is None


def test_a_memcached_that_is_away_costs_nothing_but_time(memcached):
    memory = shared(memcached)
    memcached.away = True
    memory.keep("token", VERDICT)
    assert memory.get("token") == VERDICT and memory.get("other") is None


def test_refusals_are_not_shared(memcached):
    shared(memcached).keep("token", Verdict(identified=None, number=1, epoch=0, at=0.0))
    assert memcached.known == {}


@pytest.mark.parametrize(("pattern", "path", "expected"), [
    ("/v2.1/servers", "/v2.1/servers", True), ("/v2.1/servers", "/v2.1/servers/x", False),
    ("/v2.1/servers/*", "/v2.1/servers/x", True), ("/v2.1/servers/*", "/v2.1/servers/x/y", False),
    ("/v2.1/servers/{server_id}", "/v2.1/servers/x", True), ("/v2.1/servers/{id}", "/v2.1/servers/", False),
    ("/v2.1/**", "/v2.1/servers/x/y", True), ("/v2.1/**", "/v2.2/servers", False), ("**", "/anything/at/all", True),
    ("/v2.1/servers/**", "/v2.1/servers/../flavors", False), ("/a.b", "/axb", False), ("/a/*", "/a/..", False),
    ("/a", "/a\n", False), ("/a/(x|y)", "/a/x", False)])
def test_paths_of_access_rules(pattern, path, expected):
    assert allowed([AccessRule("compute", "GET", pattern)], "compute", "GET", path) is expected


def test_access_rules_name_service_and_method():
    rules = [AccessRule("compute", "get", "/x")]
    assert allowed(rules, "compute", "GET", "/x")
    assert not allowed(rules, "compute", "POST", "/x") and not allowed(rules, "image", "GET", "/x")
    assert not allowed([], "compute", "GET", "/x") and not allowed(rules, "", "GET", "/x")


def test_every_header_that_is_set_is_stripped_first():
    everything = msgspec.structs.replace(NOBODY, project_id="p", project_name="P", project_domain_id="d",
                                         project_domain_name="D", domain_id="d", domain_name="D", system="all",
                                         roles=(("1", "member"),), catalog=[])
    assert {name.lower() for name in told(everything, everything, True)} <= OURS


def test_the_bus_is_listened_to():
    heard = threading.Event()
    bus = listen("memory://", lambda body: heard.set() if body == b"news" else None)
    try:
        for _ in range(50):
            bus.publish(CHANGED_TOPIC, b"news")
            if heard.wait(0.1):
                break
        assert heard.is_set()
    finally:
        bus.close()
        bus.surroundings.executor.stop()


@pytest.mark.parametrize("changes", [{"trust_id": "t"}, {"application_credential_id": "a"}, {"access_token_id": "o"},
                                     {"methods": ("mapped", "token")}, {"bearer": None}])
def test_what_tokens_do_not_tell_is_asked(changes):
    bearer = Bearer(user_name="n", user_domain_id="d", user_domain_name="D", roles=(("1", "member"),))
    payload = TokenPayload(user_id="u", methods=("password",), issued_at=1.0, expires_at=2.0, audit_id="A" * 22,
                           project_id="p", bearer=bearer)
    assert of_payload(payload).role_names == ("member",)
    assert of_payload(msgspec.structs.replace(payload, **changes)) is None
