"""The states of servers as tables."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from stratolith.core.context import Context
from stratolith.core.errors import Conflict, WrongState
from stratolith.plugins.compute import states

USER = Context(request_id="r", project_id="p")
ADMIN = Context(request_id="r", project_id="p", is_admin=True)


def server(vm_state, task_state=None, locked=False, move=None):
    return SimpleNamespace(id="s", vm_state=vm_state, task_state=task_state, locked=locked, move=move)


@pytest.mark.parametrize(("vm_state", "task_state", "shown"), [
    ("active", None, "ACTIVE"), ("active", "rebooting", "REBOOT"), ("active", "rebooting_hard", "HARD_REBOOT"),
    ("active", "deleting", "ACTIVE"), ("active", "rebuild_spawning", "REBUILD"), ("active", "resize_prep", "RESIZE"),
    ("building", "spawning", "BUILD"), ("stopped", None, "SHUTOFF"), ("stopped", "powering-on", "SHUTOFF"),
    ("resized", None, "VERIFY_RESIZE"), ("resized", "resize_reverting", "REVERT_RESIZE"), ("paused", None, "PAUSED"),
    ("suspended", None, "SUSPENDED"), ("error", None, "ERROR"), ("error", "rebuilding", "REBUILD"),
    ("deleted", None, "DELETED"), ("nonsense", None, "UNKNOWN")])
def test_status(vm_state, task_state, shown):
    assert states.status(vm_state, task_state) == shown


@pytest.mark.parametrize("action", sorted(states.ALLOWED))
def test_each_action_is_allowed_where_its_rule_says_and_nowhere_else(action):
    rule = states.ALLOWED[action]
    for vm_state in states.STATUS:
        one = server(vm_state, None if rule.tasks is None or None in rule.tasks else rule.tasks[0])
        if vm_state in rule.states:
            states.check(one, action, USER)
        else:
            with pytest.raises(WrongState, match=f"vm_state {vm_state}"):
                states.check(one, action, USER)


@pytest.mark.parametrize("action", sorted(states.ALLOWED))
def test_a_busy_server_refuses_what_may_not_cut_short(action):
    rule = states.ALLOWED[action]
    one = server(rule.states[0], "image_snapshot")
    if rule.tasks is None:
        states.check(one, action, USER)
    else:
        with pytest.raises(WrongState, match="task_state image_snapshot"):
            states.check(one, action, USER)


def test_locked_servers_are_the_administrators():
    with pytest.raises(Conflict, match="locked"):
        states.check(server("active", locked=True), "stop", USER)
    states.check(server("active", locked=True), "stop", ADMIN)


def test_each_task_that_begins_is_ended_by_some_operation():
    folder = Path(states.__file__).parent
    text = "".join(path.read_text() for path in (folder / "workflows").glob("*.py"))
    for rule in states.ALLOWED.values():
        if rule.task is not None:
            assert re.search(f'"{rule.task}"', text), rule.task


def test_nothing_but_a_delete_is_done_to_a_server_that_may_be_on_either_of_two_hosts():
    admin = Context(request_id="r", user_id="u", is_admin=True)
    doubtful = server("error", move={"kind": "live-migration", "doubt": True})
    for action, rule in states.ALLOWED.items():
        if "error" in rule.states and rule.tasks is not None:
            with pytest.raises(Conflict, match="which of two hosts"):
                states.check(doubtful, action, admin)
    states.check(doubtful, "delete", admin)
    states.check(server("error", move={"kind": "live-migration"}), "rebuild", admin)
