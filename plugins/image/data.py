"""The data of images: taking it in, checking and hashing it on its way, and giving it out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.image_store import ImageStore
from ...core.errors import BadRequest, Conflict, Forbidden, Gone, NotFound, TooLarge, WrongState
from ...core.process.slice import Kit
from .access import BY_ID, allowed
from .formats import Inspection
from .images import emit
from .states import step
from .tables import images

MIB = 1 << 20
HASH = "sha512"
BEAT_S = 20.0
USED = sa.select(sa.func.coalesce(sa.func.sum(images.c.size), 0)).where(images.c.owner == sa.bindparam("owner"))
STALE = sa.select(images.c.id, images.c.status).where(
    images.c.status.in_(("saving", "uploading")), images.c.staged.is_(None), images.c.beat_at < sa.bindparam("before"))


@dataclasses.dataclass
class Intake:
    """One stream of data on its way into the store: hashed, inspected, bounded, and heard beating."""

    kit: Kit
    row: Row
    enforced: bool
    limit: int
    size: int = 0

    def __post_init__(self) -> None:
        self.inspection = Inspection(self.row.disk_format or "", self.enforced)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hash = hashlib.new(HASH)
        self._heard = self.kit.clock.monotonic()

    def stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """``chunks`` as the store may have them. :raises TooLarge: they are more than allowed."""
        for chunk in self.inspection.pass_on(chunks):
            self.size += len(chunk)
            if self.size > self.limit:
                raise TooLarge("Image exceeds the storage quota or the size cap")
            self._md5.update(chunk)
            self._hash.update(chunk)
            self._beat()
            yield chunk

    def _beat(self) -> None:
        now = self.kit.clock.monotonic()
        if now - self._heard >= BEAT_S:
            self._heard = now
            with self.kit.db.write() as tx:
                tx.update(images, self.row.id, beat_at=self.kit.clock.now())

    def result(self) -> dict[str, Any]:
        """What the image's row says of the data once all of it is in."""
        return {"size": self.size, "virtual_size": self.inspection.virtual_size(self.size),
                "checksum": self._md5.hexdigest(), "os_hash_algo": HASH, "os_hash_value": self._hash.hexdigest()}


class Data:
    """The data of all images, in one store."""

    def __init__(self, kit: Kit, store: ImageStore) -> None:
        self.kit = kit
        self.store = store

    def upload(self, context: Context, image_id: str, chunks: Iterable[bytes], length: int | None = None) -> None:
        """Give a queued image its data and make it active.

        ``length`` is what the sender announced. After any failure the image is queued again.
        :raises WrongState: it is not queued.
        :raises Gone: it was deleted meanwhile; its data is not kept.
        """
        intake = self._begin(context, image_id, "upload", length)
        with _failing(self, intake, "saving"):
            self.store.put(image_id, intake.stream(chunks))
            values = intake.result()
            with self.kit.db.write() as tx:
                self._settle(tx, image_id, "saving", **values)
                row = tx.row(BY_ID, {"id": image_id})
                emit(self.kit, tx, context, "upload", row)
                emit(self.kit, tx, context, "activate", row)

    def stage(self, context: Context, image_id: str, chunks: Iterable[bytes], length: int | None = None) -> None:
        """Put data aside for a later import; what it is is checked then. Errors as :meth:`upload`."""
        intake = self._begin(context, image_id, "stage", length)
        with _failing(self, intake, "uploading"):
            self.store.put(image_id, intake.stream(chunks))
            staged = {**intake.result(), "head": intake.inspection.head[:8192].hex()}
            with self.kit.db.write() as tx:
                if not tx.change(images, image_id, {"status": "uploading", "staged": None}, staged=staged):
                    raise Gone(f"Image {image_id} could not be found after upload.")

    def _begin(self, context: Context, image_id: str, event: str, length: int | None) -> Intake:
        with self.kit.db.write() as tx:
            row = allowed(self.kit, tx, context, "upload_image", image_id)
            if row.status != "queued":
                raise WrongState(f"Image status transition from {row.status} to saving is not allowed")
            if not row.disk_format or not row.container_format:
                raise BadRequest("Properties disk_format, container_format must be set prior to saving data.")
            limit = self._limit(tx, row.owner)
            if length is not None and length > limit:
                raise TooLarge("Image exceeds the storage quota or the size cap")
            step(tx, image_id, "queued", event, beat_at=self.kit.clock.now(), staged=None)
            emit(self.kit, tx, context, "prepare", row)
        enforced = self.kit.options.require_format_match and event == "upload"
        return Intake(self.kit, row, enforced and row.container_format == "bare", limit)

    def _limit(self, tx: Transaction, owner: str) -> int:
        """Bytes that the next image of a project may have."""
        cap = int(self.kit.options.size_cap_mib) * MIB
        quota = self.kit.options.project_quota_mib
        return min(cap, quota * MIB - int(tx.value(USED, {"owner": owner}))) if quota else cap

    def _settle(self, tx: Transaction, image_id: str, state: str, **values: Any) -> None:
        try:
            step(tx, image_id, state, "stored", staged=None,
                 updated_at=self.kit.clock.now().replace(microsecond=0), **values)
        except WrongState as exc:
            raise Gone(f"Image {image_id} could not be found after upload. The image may have been deleted "
                       "during the upload.") from exc

    def fail(self, image_id: str, state: str) -> None:
        """An upload has failed: its image is queued again, and its data is gone."""
        with self.kit.db.write() as tx:
            row = tx.row(BY_ID, {"id": image_id})
            if row is not None and row.status != state:
                return
        self.store.delete(image_id)
        with self.kit.db.write() as tx:
            if row is not None:
                tx.change(images, image_id, {"status": state}, status="queued", staged=None)

    def give_up(self, context: Context, image_id: str, still_s: float) -> bool:
        """Give up an upload that has stood still for so long; tell whether it was."""
        with self.kit.db.read() as tx:
            row = allowed(self.kit, tx, context, "upload_image", image_id)
        before = self.kit.clock.now() - datetime.timedelta(seconds=still_s)
        if row.status != "saving" or row.beat_at > before:
            return False
        self.fail(image_id, "saving")
        return True

    def sweep(self) -> None:
        """Give up the uploads whose process has died."""
        before = self.kit.clock.now() - datetime.timedelta(seconds=self.kit.options.stale_upload_s)
        with self.kit.db.read() as tx:
            stale = tx.rows(STALE, {"before": before})
        for row in stale:
            self.kit.log.warning("the upload of image %s stands still; it is queued again", row.id)
            self.fail(row.id, row.status)

    def import_staged(self, context: Context, image_id: str, method: str) -> str:
        """Begin to make staged data the image's own; return the task's id.

        :raises Conflict: nothing is staged.
        """
        with self.kit.db.write() as tx:
            row = allowed(self.kit, tx, context, "modify_image", image_id)
            if row.status != "uploading" or row.staged is None:
                raise Conflict(f"Only images with status 'uploading' can be imported; it is {row.status}")
            step(tx, image_id, "uploading", "import")
            return self.kit.engine.start(tx, "image.import", image_id, context, {"method": method})

    def readable(self, context: Context, image_id: str) -> Row:
        """An image whose data the caller may read.

        :raises Forbidden: it is deactivated, or the rule denies.
        """
        with self.kit.db.read() as tx:
            row = allowed(self.kit, tx, context, "download_image", image_id)
        if row.status == "deactivated" and not context.is_admin:
            raise Forbidden("The requested image has been deactivated. Image data download is forbidden.")
        return row

    def chunks(self, context: Context, image_id: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Data of an image. :raises NotFound: it has none."""
        row = self.readable(context, image_id)
        if row.status not in ("active", "deactivated"):
            raise NotFound(f"Image {image_id} has no data")
        return self.store.read(image_id, offset, length)

    def read(self, context: Context, image_id: str, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``. :raises NotFound: the image has no data."""
        return b"".join(self.chunks(context, image_id, offset, length))

    def turn(self, context: Context, image_id: str, event: str) -> None:
        """``deactivate`` or ``reactivate`` an image. :raises Forbidden: its state does not allow it."""
        with self.kit.db.write() as tx:
            row = allowed(self.kit, tx, context, event, image_id)
            try:
                step(tx, image_id, row.status, event, updated_at=self.kit.clock.now().replace(microsecond=0))
            except WrongState as exc:
                raise Forbidden(f"Not allowed to {event} an image in status '{row.status}'") from exc
            emit(self.kit, tx, context, "update", row)


@contextlib.contextmanager
def _failing(data: Data, intake: Intake, state: str) -> Iterator[None]:
    """Give an upload up when the block fails, however that happens."""
    try:
        yield
    except BaseException:
        data.fail(intake.row.id, state)
        raise
