"""The suite of image stores: subclass :class:`ImageStoreSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..drivers.image_store import ImageStore, ImageStoreFacts, LocalPaths
from ..drivers.names import LONGEST
from ..errors import BadRequest, NotFound
from .cases import in_parallel, wants
from .storage import HOSTILE_IDS, MIB, Broken, broken, new_id, pattern, reopened


class StoreBase:
    """What the cases of all verbs use."""

    @pytest.fixture
    def image(self, driver: ImageStore) -> Iterator[str]:
        """A free id; its data is gone after the case."""
        name = new_id()
        yield name
        driver.delete(name)


class Keeping(StoreBase):
    """Cases of facts, observe, put, size and delete."""

    def test_facts_are_filled_in(self, driver: ImageStore) -> None:
        facts = driver.facts()
        assert isinstance(facts, ImageStoreFacts)
        assert facts.scheme.replace("+", "").replace("-", "").isalnum()
        assert facts.free_bytes >= -1

    def test_open_twice(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"kept"])
        driver.open()
        assert b"".join(driver.read(image)) == b"kept"

    def test_put_says_the_size(self, driver: ImageStore, image: str) -> None:
        assert driver.put(image, pattern(3 * MIB + 5)) == 3 * MIB + 5
        assert driver.size(image) == 3 * MIB + 5

    def test_put_is_observed(self, driver: ImageStore, image: str) -> None:
        before = set(driver.observe())
        assert image not in before
        driver.put(image, [b"x"])
        assert set(driver.observe()) == before | {image}

    def test_round_trip(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(5 * MIB + 777))
        assert b"".join(driver.read(image)) == b"".join(pattern(5 * MIB + 777))

    @pytest.mark.parametrize("pieces", [[], [b""], [b"", b"a", b"", b"bc"], [bytes(2 * MIB)], [b"x"] * 5000,
                                        [bytes(MIB), b"y"] * 3], ids=["none", "empty", "odd", "zeros", "tiny", "mixed"])
    def test_round_trip_of_pieces(self, driver: ImageStore, image: str, pieces: list[bytes]) -> None:
        data = b"".join(pieces)
        assert driver.put(image, iter(pieces)) == len(data)
        assert b"".join(driver.read(image)) == data
        assert image in driver.observe()

    def test_one_large_piece(self, driver: ImageStore, image: str) -> None:
        data = b"".join(pattern(9 * MIB))
        driver.put(image, [data])
        assert b"".join(driver.read(image)) == data

    def test_put_twice_keeps_the_later(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(2 * MIB, "first"))
        driver.put(image, [b"second"])
        assert driver.size(image) == 6
        assert b"".join(driver.read(image)) == b"second"
        assert list(driver.observe()).count(image) == 1

    @pytest.mark.parametrize("error", [Broken(), OSError(28, "the client's own"), NotFound("of the source")],
                             ids=["foreign", "system", "cloud"])
    def test_put_that_breaks_leaves_nothing(self, driver: ImageStore, image: str, error: Exception) -> None:
        before = driver.observe()
        with pytest.raises(type(error)) as raised:
            driver.put(image, broken(pattern(3 * MIB), error))
        assert raised.value is error
        assert driver.observe() == before
        with pytest.raises(NotFound):
            driver.size(image)

    def test_put_that_breaks_keeps_what_was_there(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"before"])
        with pytest.raises(Broken):
            driver.put(image, broken(pattern(3 * MIB), Broken()))
        assert b"".join(driver.read(image)) == b"before"

    def test_nothing_is_visible_before_the_end(self, driver: ImageStore, image: str) -> None:
        seen: list[bool] = []

        def watching() -> Iterator[bytes]:
            for chunk in pattern(4 * MIB):
                seen.append(image in driver.observe())
                yield chunk

        driver.put(image, watching())
        assert seen and not any(seen)
        assert image in driver.observe()

    def test_a_reader_of_the_old_data_is_not_disturbed(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(4 * MIB, "old"))
        reader = driver.read(image)
        first = next(reader)
        driver.put(image, pattern(4 * MIB, "new"))
        assert first + b"".join(reader) == b"".join(pattern(4 * MIB, "old"))

    def test_size_of_unknown(self, driver: ImageStore) -> None:
        with pytest.raises(NotFound):
            driver.size(new_id())

    def test_delete_twice(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"x"])
        driver.delete(image)
        driver.delete(image)
        assert image not in driver.observe()
        with pytest.raises(NotFound):
            driver.size(image)

    def test_delete_of_unknown_is_nothing(self, driver: ImageStore) -> None:
        before = driver.observe()
        driver.delete(new_id())
        assert driver.observe() == before

    def test_put_after_delete(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"first"])
        driver.delete(image)
        driver.put(image, [b"2nd"])
        assert b"".join(driver.read(image)) == b"2nd"

    @pytest.mark.parametrize("hostile", HOSTILE_IDS)
    def test_hostile_id_is_refused(self, driver: ImageStore, hostile: str) -> None:
        before = driver.observe()
        for call in (lambda: driver.put(hostile, [b"x"]), lambda: driver.size(hostile),
                     lambda: driver.read(hostile), lambda: driver.delete(hostile)):
            with pytest.raises(BadRequest):
                call()
        assert driver.observe() == before

    @pytest.mark.parametrize("name", ["i" * LONGEST, "a.b-c_D", "0"])
    def test_unusual_legal_id(self, driver: ImageStore, name: str) -> None:
        driver.put(name, [b"x"])
        assert name in driver.observe() and b"".join(driver.read(name)) == b"x"
        driver.delete(name)

    def test_data_survives_the_instance(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"kept"])
        with reopened(driver) as fresh:
            assert image in fresh.observe()
            assert b"".join(fresh.read(image)) == b"kept"
            fresh.delete(image)
        assert image not in driver.observe()

    def test_another_instance_spares_an_upload_that_goes_on(self, driver: ImageStore, image: str) -> None:
        """Several processes of the image service may share one store."""
        def interrupted() -> Iterator[bytes]:
            yield from pattern(2 * MIB)
            beside = type(driver)(driver.options, driver.surroundings)
            beside.open()
            beside.close()
            yield from pattern(2 * MIB)

        assert driver.put(image, interrupted()) == 4 * MIB
        assert driver.size(image) == 4 * MIB

    def test_ten_lives_in_parallel(self, driver: ImageStore) -> None:
        names = [new_id() for _ in range(10)]

        def live(name: str) -> bool:
            driver.put(name, pattern(2 * MIB, name))
            return b"".join(driver.read(name)) == b"".join(pattern(2 * MIB, name))

        assert all(in_parallel(live, names))
        assert set(names) <= set(driver.observe())
        in_parallel(driver.delete, names)
        assert not set(names) & set(driver.observe())


class Reading(StoreBase):
    """Cases of read, and of the facet LocalPaths."""

    @pytest.mark.parametrize(("offset", "length"), [
        (0, 0), (0, 1), (1, 1), (0, None), (MIB, None), (MIB - 1, 2), (3 * MIB, None), (3 * MIB + 98, 100),
        (3 * MIB + 99, None), (3 * MIB + 99, 10), (10 * MIB, None), (10 * MIB, 5), (5, 10 * MIB)])
    def test_part(self, driver: ImageStore, image: str, offset: int, length: int | None) -> None:
        size = 3 * MIB + 99
        driver.put(image, pattern(size))
        end = size if length is None else offset + length
        assert b"".join(driver.read(image, offset, length)) == b"".join(pattern(size))[offset:end]

    @pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1)])
    def test_negative_part_is_refused(self, driver: ImageStore, image: str, offset: int, length: int) -> None:
        driver.put(image, [b"x"])
        with pytest.raises(BadRequest):
            driver.read(image, offset, length)

    def test_chunks_are_small(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"".join(pattern(5 * MIB))])
        sizes = [len(chunk) for chunk in driver.read(image)]
        assert sum(sizes) == 5 * MIB and min(sizes) > 0 and max(sizes) <= MIB

    def test_unknown_is_said_by_the_call(self, driver: ImageStore) -> None:
        with pytest.raises(NotFound):
            driver.read(new_id())

    def test_reader_survives_deletion(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(5 * MIB))
        reader = driver.read(image)
        first = next(reader)
        driver.delete(image)
        assert first + b"".join(reader) == b"".join(pattern(5 * MIB))

    def test_reader_that_has_not_begun_survives_too(self, driver: ImageStore, image: str) -> None:
        driver.put(image, [b"kept"])
        reader = driver.read(image)
        driver.delete(image)
        assert b"".join(reader) == b"kept"

    def test_reading_can_be_given_up(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(2 * MIB))
        for _ in range(2000):
            driver.read(image)
            next(driver.read(image))

    def test_readers_in_parallel(self, driver: ImageStore, image: str) -> None:
        driver.put(image, pattern(3 * MIB))
        expected = b"".join(pattern(3 * MIB))
        assert in_parallel(lambda offset: b"".join(driver.read(image, offset)) == expected[offset:],
                           range(0, 10 * 1000, 1000)) == [True] * 10

    def test_memory_does_not_grow_with_the_data(self, driver: ImageStore, image: str) -> None:
        tracemalloc.start()
        try:
            driver.put(image, pattern(96 * MIB))
            for chunk in driver.read(image):
                del chunk
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 16 * MIB

    def test_local_path_has_the_data(self, driver: ImageStore, image: str) -> None:
        paths = wants(driver, LocalPaths)
        driver.put(image, [b"kept"])
        path = Path(paths.path(image))
        assert path.is_absolute() and path.read_bytes() == b"kept"

    def test_local_path_of_unknown(self, driver: ImageStore) -> None:
        paths = wants(driver, LocalPaths)
        with pytest.raises(NotFound):
            paths.path(new_id())
        for hostile in HOSTILE_IDS:
            with pytest.raises(BadRequest):
                paths.path(hostile)


class ImageStoreSuite(Keeping, Reading):
    """Every case of an image store; a facet that it does not declare is skipped. Needs 150 MiB of room."""
