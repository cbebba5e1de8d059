"""Shows in Keystone's catalog the services that run, and no others: catalog.py process...

A service that an earlier `up` registered stays in the database; clients would be sent to an address where
nobody listens.
"""

import re
import sys

from register_lib import AUTH, session

# No process here offers them: Keystone answers itself, `cloud orchestration` registers who orchestrates.
ALWAYS = {"identity", "orchestration"}


def main(running):
    s = session()
    for service in s.get(f"{AUTH}/services", timeout=30).json()["services"]:
        process = re.sub(r"v\d+$", "", service["name"])  # cinderv3 is cinder's
        shown = service["type"] in ALWAYS or process in running
        if service["enabled"] != shown:
            changed = {"service": {"enabled": shown}}
            s.patch(f"{AUTH}/services/{service['id']}", json=changed, timeout=30).raise_for_status()


main(set(sys.argv[1:]))
