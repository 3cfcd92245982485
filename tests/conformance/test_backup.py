"""The shipped backup suite on our own stores, and what a damaged file does."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied
from stratolith.core.conformance.storage import pattern
from stratolith.core.errors import BackendFailed

TestSimulated = applied("backup", "simulated")
TestFilePlain = applied("backup", "file", Configuration({"backups.file": {"compression": "none", "sync": "none"}}))


class TestFile(applied("backup", "file")):
    """The suite, and what only files can suffer."""

    def test_damaged_data(self, driver):
        driver.store("damaged", pattern(1 << 20))
        path = driver.surroundings.state_dir / "damaged.data"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(BackendFailed):
            list(driver.read("damaged"))

    def test_damaged_index(self, driver):
        driver.store("torn", [b"x"])
        path = driver.surroundings.state_dir / "torn.index"
        data = bytearray(path.read_bytes())
        data[-40] ^= 1
        path.write_bytes(data)
        with pytest.raises(BackendFailed):
            list(driver.read("torn"))

    def test_unfinished_is_swept(self, driver):
        folder = driver.surroundings.state_dir
        (folder / "half.data").write_bytes(b"x")
        driver.open()
        assert not (folder / "half.data").exists()


class TestFileZstd(applied("backup", "file", Configuration({"backups.file": {"compression": "zstd", "sync": "none"}}))):
    """The suite with another way of packing, and chains whose backups were packed differently."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def library(cls):
        """Compression zstd needs its extra."""
        pytest.importorskip("zstandard")

    def test_pieces_tell_how_they_are_packed(self, driver):
        data = b"".join(pattern(3 << 20))
        driver.store("packed", [data])
        archive = driver._archive
        archive._compression = "zlib"
        driver.store("repacked", [data[:2 << 20] + b"other" * 1000], "packed")
        archive._compression = "zstd"
        assert b"".join(driver.read("repacked")) == data[:2 << 20] + b"other" * 1000
        driver.delete("repacked")
        driver.delete("packed")
