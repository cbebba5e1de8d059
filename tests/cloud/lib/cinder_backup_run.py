"""cinder-backup without a data plane: while a volume is attached to it, it is a small file of zeros."""

import os
import sys

# isort: off
# First: it decides how Cinder's threads work, before anything else of Cinder may be imported.
from cinder.cmd.backup import main

from cinder import objects

objects.register_all()
from cinder.backup import manager  # noqa: E402  its signatures name what is registered

# isort: on


def path_of(device):
    """Where the file that stands for a volume or snapshot is."""
    return os.path.join(manager.CONF.state_path, f"{device.id}.attached")


def attach(service, context, device, properties, is_snapshot=False):
    """Make the file; the real one asks os-brick for a device of the host."""
    with open(path_of(device), "wb") as file:
        file.truncate(4096)
    return {"device": {"path": path_of(device)}}


def detach(service, context, attached, device, *words, **options):
    """Remove the file."""
    os.unlink(path_of(device))


manager.volume_utils.brick_get_connector_properties = lambda *words, **options: {}
manager.BackupManager._attach_device = attach
manager.BackupManager._detach_device = detach
sys.argv[0] = "cinder-backup"
sys.exit(main())
