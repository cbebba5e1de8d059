"""The guest agents of all database instances, in one process: trove_guests --config-file ...

Each instance is served under its own name and with its own key, as by the agent on its server. What an agent
is asked to make is kept in memory, and states are reported as of databases that run.
"""

import eventlet
from oslo_utils import timeutils
from trove.cmd.common import with_initialize  # first of Trove: it decides how threads work

# isort: off
import oslo_messaging as messaging
from trove.instance.service_status import ServiceStatuses

# isort: on

STAYS = (ServiceStatuses.HEALTHY, ServiceStatuses.SHUTDOWN)
"""States that an instance which was built before this process began goes on with."""

ROUND = 2.0
"""Seconds between two looks for new instances, and two reports."""
REFRESHED = 20.0
"""Seconds after which a state is reported again: one of more than 90 s counts as an agent that is lost."""


def account(user):
    return user["_name"], user.get("_host") or "%"


class Guest:
    """What the service may ask an agent for. Methods get the caller's context first."""

    def __init__(self, identity, key, target, state):
        self.identity, self.key, self.target, self.state = identity, key, target, state
        self.databases, self.users, self.granted = {}, {}, {}
        self.reported = 0.0

    # --- life -------------------------------------------------------------------------------------

    def prepare(self, context, databases=(), users=(), cluster_config=None, **rest):
        self.create_database(context, databases)
        self.create_user(context, users)
        self.state = ServiceStatuses.INSTANCE_READY if cluster_config else ServiceStatuses.HEALTHY

    def stop_db(self, context, **rest):
        self.state = ServiceStatuses.SHUTDOWN

    def restart(self, context, **rest):
        self.state = ServiceStatuses.HEALTHY

    start_db_with_conf_changes = cluster_complete = restart

    def done(self, context, **rest):
        """What makes no difference to a database that does not run."""

    mount_volume = unmount_volume = resize_fs = reset_configuration = done
    update_overrides = apply_overrides = done
    reset_admin_password = install_cluster = write_cluster_configuration_overrides = done

    def get_filesystem_stats(self, context, fs_path=None):
        return {"total": 1.0, "used": 0.1, "free": 0.9}

    # --- replicas ---------------------------------------------------------------------------------

    def backup_required_for_replication(self, context):
        return True

    def get_replication_snapshot(self, context, snapshot_info, replica_source_config=None):
        """Complete the backup that the service has noted, of which there is nothing but that note."""
        from trove.backup.models import DBBackup
        from trove.backup.state import BackupState

        backup = DBBackup.find_by(id=snapshot_info["id"])
        backup.state = BackupState.COMPLETED
        backup.save()
        dataset = {"snapshot_id": backup.id, "dataset_size": 0.1, "volume_size": 1}
        return {"dataset": dataset, "master": {}, "log_position": {}}

    # --- databases and users ----------------------------------------------------------------------

    def create_database(self, context, databases):
        self.databases |= {each["_name"]: each for each in databases}

    def list_databases(self, context, **page):
        return self._page(self.databases, **page)

    def delete_database(self, context, database):
        self.databases.pop(database["_name"], None)

    def create_user(self, context, users):
        for each in users:
            self.users[account(each)] = each
            self.granted[account(each)] = {database["_name"] for database in each["_databases"]}

    def get_user(self, context, username, hostname):
        return self._shown((username, hostname or "%"))

    def list_users(self, context, **page):
        return self._page({"@".join(each): self._shown(each) for each in self.users}, **page)

    def delete_user(self, context, user):
        self.users.pop(account(user), None)

    def change_passwords(self, context, users):
        for each in users:
            self.users[each["name"], each["host"] or "%"]["_password"] = each["password"]

    def update_attributes(self, context, username, hostname, user_attrs):
        old = username, hostname or "%"
        user, granted = self.users.pop(old), self.granted.pop(old)
        user |= {f"_{name}": value for name, value in user_attrs.items() if value}
        self.users[account(user)], self.granted[account(user)] = user, granted

    def list_access(self, context, username, hostname):
        return self._schemas((username, hostname or "%"))

    def grant_access(self, context, username, hostname, databases):
        self.granted[username, hostname or "%"] |= set(databases)

    def revoke_access(self, context, username, hostname, database):
        self.granted[username, hostname or "%"].discard(database)

    def _shown(self, who):
        return self.users[who] | {"_databases": self._schemas(who)} if who in self.users else None

    def _schemas(self, who):
        empty = {"_character_set": None, "_collate": None}
        return [{"_name": name, **empty} for name in sorted(self.granted[who])]

    @staticmethod
    def _page(found, limit=None, marker=None, include_marker=False):
        """The things whose names follow the marker, and the last of these when there are more."""
        names = sorted(found)
        if marker:
            names = [each for each in names if each > marker or (include_marker and each == marker)]
        chosen = names[:limit]
        return [found[each] for each in chosen], chosen[-1] if len(chosen) < len(names) else None


def served(row, state):
    """A guest, and the server by which it is asked."""
    from trove import rpc
    from trove.guestagent.api import API

    target = messaging.Target(topic=f"guestagent.{row.id}", server=row.id, version=API.API_LATEST_VERSION)
    guest = Guest(row.id, row.key, target, state)
    server = rpc.get_server(target, [guest], key=row.key)
    server.start()
    return guest, server


def report(guest, row):
    """Write the state of a guest that has one, as often as an agent does."""
    now = timeutils.utcnow_ts()
    if guest.state and (row.status != guest.state or now - guest.reported > REFRESHED):
        row.status = guest.state
        row.save()
        guest.reported = now


@with_initialize
def main(conf):
    from trove.instance.models import DBInstance, InstanceServiceStatus

    agents = {}
    while True:
        rows = {each.id: each for each in DBInstance.find_all(deleted=False).all()}
        for gone in agents.keys() - rows.keys():
            server = agents.pop(gone)[1]
            server.stop()
            server.wait()  # or it goes on listening
        for identity, row in rows.items():
            state = InstanceServiceStatus.get_by(instance_id=identity)
            if state is None:  # it is stored after the instance
                continue
            if identity not in agents:
                agents[identity] = served(row, state.status if state.status in STAYS else None)
            report(agents[identity][0], state)
        eventlet.sleep(ROUND)


if __name__ == "__main__":
    main()
