"""Keys that change while they are used."""

import threading

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.errors import BadConfiguration
from stratolith.core.key_folder import CHECK_EVERY_S, KeyFolder, WatchedKeys


@pytest.fixture
def folder(tmp_path):
    made = KeyFolder(tmp_path)
    made.write("1", b"one")
    return made


def content(folder):
    return [(folder.path / str(number)).read_bytes() for number in folder.numbers()]


def test_a_change_is_seen_after_a_while_or_at_once(folder):
    clock = Virtual()
    keys = WatchedKeys(folder, clock, lambda: content(folder))
    first = keys.known()
    assert keys.newer(first) is None
    folder.write("2", b"two")
    assert keys.known() is first, "the folder is not looked at for each token"
    assert keys.newer(first) == [b"one", b"two"]
    folder.write("3", b"three")
    clock.advance(CHECK_EVERY_S)
    assert keys.known() == [b"one", b"two", b"three"]


def test_who_comes_while_another_reads_gets_what_that_one_read(folder):
    reading, go_on = threading.Event(), threading.Event()
    calls = []

    def read():
        calls.append(None)
        found = content(folder)
        if len(calls) > 1:
            reading.set()
            assert go_on.wait(60)
        return found

    keys = WatchedKeys(folder, Virtual(), read)
    old, found = keys.known(), []
    folder.write("2", b"two")
    threads = [threading.Thread(target=lambda: found.append(keys.newer(old))) for _ in range(2)]
    threads[0].start()
    assert reading.wait(60)
    threads[1].start()
    threads[1].join(0.2)
    assert not found
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert found == [[b"one", b"two"]] * 2
    assert len(calls) == 2


def test_a_broken_key_leaves_the_known_ones(folder):
    def read():
        if b"broken" in content(folder):
            raise BadConfiguration("a key is broken")
        return content(folder)

    keys = WatchedKeys(folder, Virtual(), read)
    folder.write("2", b"broken")
    with pytest.raises(BadConfiguration):
        keys.look()
    folder.write("2", b"two")
    assert keys.newer([]) == [b"one", b"two"]
