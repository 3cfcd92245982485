"""The image of simulated guests is a disk like another."""

import argparse
import json
import shutil
import subprocess

import pytest
from stratolith.plugins.image.cli import ImageCommand
from stratolith.plugins.image.demo.placeholder import DISK_BYTES, empty_disk
from stratolith.plugins.image.formats import Inspection


def test_the_image_service_takes_it():
    inspection = Inspection("qcow2", True)
    data = b"".join(inspection.pass_on([empty_disk()]))
    inspection.check()
    assert inspection.virtual_size(len(data)) == DISK_BYTES


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")
def test_qemu_finds_no_fault(tmp_path):
    file = tmp_path / "empty.qcow2"
    file.write_bytes(empty_disk())
    subprocess.run(["qemu-img", "check", "-f", "qcow2", file], check=True, capture_output=True)
    told = subprocess.run(["qemu-img", "info", "-f", "qcow2", "--output=json", file], check=True, capture_output=True)
    assert json.loads(told.stdout)["virtual-size"] == DISK_BYTES


def test_the_command_says_what_it_is(tmp_path, capsys):
    command = ImageCommand()
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    target = tmp_path / "new" / "demo.qcow2"
    assert command.run(parser.parse_args(["build-demo", "--for", "simulated", str(target)])) == 0
    assert target.read_bytes() == empty_disk()
    assert "empty disk" in capsys.readouterr().out
