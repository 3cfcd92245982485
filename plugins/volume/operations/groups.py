"""Groups that wait for their volumes, and group snapshots. The subject of all is the group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.db.engine import Row, Transaction
from ....core.drivers.volume import GroupSnapshots
from ....core.errors import BackendFailed, CloudError
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from .. import access, group_types, states
from ..messages import detail_of
from ..tables import group_snapshots, groups
from .subjects import service_of

if TYPE_CHECKING:
    from ..service import BlockStorage

WAIT_S = 30.0


def _group(job: Job) -> tuple[Row | None, list[Row]]:
    with service_of(job).kit.db.read() as tx:
        return tx.row(access.GROUP, {"id": job.subject}), list(access.volumes_of(tx, job.subject))


# Making a group with copies of volumes.

def _gather(job: Job) -> Finish | None:
    row, members = _group(job)
    if row is None or row.status != "creating":
        return None
    making = [one for one in members if one.status == "creating"]
    if making:
        raise Wait(f"volume:{making[0].id}", WAIT_S)
    if any(one.status == "error" for one in members):
        raise BackendFailed("a volume of the group could not be made")
    service = service_of(job)

    def finish(tx: Transaction) -> None:
        states.step_group(service.kit, tx, groups, row, "created")
        service.groups.told(tx, job.context, "group.create.end", row)
    return finish


def _gather_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.GROUP, {"id": job.subject})
    if row is not None and row.status == "creating":
        states.step_group(service.kit, tx, groups, row, "failed")
        service.groups.told(tx, job.context, "group.create.error", row)
        service.messages.add(tx, job.context, "group", detail_of(error, "unknown"), "VOLUME_GROUP", row.id,
                             row.project_id)


# Deleting a group: its volumes go by operations of their own.

def _empty(job: Job) -> Finish | None:
    row, members = _group(job)
    if row is None:
        return None
    going = [one for one in members if one.status == "deleting"]
    if going:
        raise Wait(f"volume:{going[0].id}", WAIT_S)
    if members:
        raise BackendFailed("a volume of the group could not be deleted")
    return lambda tx: service_of(job).groups.erase(tx, job.context, row)


def _empty_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.GROUP, {"id": job.subject})
    if row is not None and row.status == "deleting":
        states.step_group(service.kit, tx, groups, row, "failed")
        service.groups.told(tx, job.context, "group.delete.error", row)


# Freezing a group.

def _frozen(tx: Transaction, job: Job) -> Row | None:
    return tx.row(access.GROUP_SNAPSHOT, {"id": job.data["group_snapshot"]})


def _freeze(job: Job) -> Finish | None:
    service, (group, _) = service_of(job), _group(job)
    with service.kit.db.read() as tx:
        row = _frozen(tx, job)
        kind = None if group is None else tx.row(group_types.BY_ID, {"id": group.type_id})
    if row is None or group is None or row.status != "creating":
        return None
    pairs = [(volume, snapshot) for volume, snapshot in job.data["pairs"]]
    _freeze_all(service, group.backend, pairs, kind is not None and group_types.consistent(kind.specs))

    def finish(tx: Transaction) -> None:
        for one in access.frozen_of(tx, row.id):
            states.step_snapshot(service.kit, tx, one, "created", progress="100%")
            service.snapshots.emit(tx, job.context, "snapshot.create.end", one)
        states.step_group(service.kit, tx, group_snapshots, row, "created")
        service.group_snapshots.told(tx, job.context, "group_snapshot.create.end", row)
    return finish


def _freeze_all(service: BlockStorage, backend: str, pairs: list[tuple[str, str]], together: bool) -> None:
    driver = service.backends.driver(backend)
    if isinstance(driver, GroupSnapshots):
        with service.backends.holding(*(volume for volume, _ in pairs)):
            driver.snapshot_group(pairs)
        return
    if together:
        raise BackendFailed("the back end cannot freeze several volumes at one moment")
    for volume, snapshot in pairs:
        service.backends.snapshot(backend, volume, snapshot)


def _drop_all(job: Job) -> Finish | None:
    group, _ = _group(job)
    if group is not None:
        for volume, snapshot in job.data["pairs"]:
            service_of(job).backends.delete_snapshot(group.backend, volume, snapshot)
    return None


def _freeze_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), _frozen(tx, job)
    if row is None or row.status != "creating":
        return
    for one in access.frozen_of(tx, row.id):
        if one.status == "creating":
            states.step_snapshot(service.kit, tx, one, "failed")
            service.snapshots.emit(tx, job.context, "snapshot.create.error", one)
    states.step_group(service.kit, tx, group_snapshots, row, "failed")
    service.group_snapshots.told(tx, job.context, "group_snapshot.create.error", row)
    service.messages.add(tx, job.context, "snapshot_create", detail_of(error, "snapshot_create"),
                         "VOLUME_GROUP_SNAPSHOT", row.id, row.project_id)


# Deleting a group snapshot.

def _remove(job: Job) -> Finish | None:
    service, (group, _) = service_of(job), _group(job)
    with service.kit.db.read() as tx:
        row = _frozen(tx, job)
        members = [] if row is None else access.frozen_of(tx, row.id)
    if row is None or group is None:
        return None
    for one in members:
        service.backends.delete_snapshot(group.backend, one.volume_id, one.id)

    def finish(tx: Transaction) -> None:
        for one in members:
            service.snapshots.erase(tx, job.context, one)
        service.group_snapshots.erase(tx, job.context, row)
    return finish


def _remove_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), _frozen(tx, job)
    if row is None or row.status != "deleting":
        return
    for one in access.frozen_of(tx, row.id):
        if one.status == "deleting":
            states.step_snapshot(service.kit, tx, one, "failed")
    states.step_group(service.kit, tx, group_snapshots, row, "failed")
    service.group_snapshots.told(tx, job.context, "group_snapshot.delete.error", row)
    service.messages.add(tx, job.context, "snapshot_delete", "snapshot_delete", "VOLUME_GROUP_SNAPSHOT", row.id,
                         row.project_id)


WORKFLOWS = (
    Workflow("volume.create_group", (Step("gather", _gather),), failed=_gather_failed, undoes=False, title="create",
             deadline_s=24 * 3600.0),
    Workflow("volume.delete_group", (Step("empty", _empty),), failed=_empty_failed, undoes=False, title="delete"),
    Workflow("volume.group_snapshot", (Step("freeze", _freeze, _drop_all),), failed=_freeze_failed, title="snapshot"),
    Workflow("volume.delete_group_snapshot", (Step("remove", _remove),), failed=_remove_failed, undoes=False,
             title="delete"),
)
