import json
from email import message_from_string
from typing import Any

from stackd.resources.nova.user_data import build

URL = "https://cfn.test:8000/v1"


def parts(text: Any) -> dict[str | None, Any]:
    return {part.get_filename(): part for part in message_from_string(text).walk() if part.get_filename()}


def body(part: Any) -> Any:
    return part.get_payload(decode=True).decode()


def test_raw_is_left_alone() -> None:
    assert build("RAW", "any", {"a": 1}, URL) == "any"


def test_the_guest_tools_find_their_parts_in_order() -> None:
    found = parts(build("HEAT_CFNTOOLS", "#!/bin/sh\necho ä", {"a": 1}, URL))
    assert list(found) == [
        *("cloud-config", "boothook.sh", "part-handler.py", "cfn-userdata", "loguserdata.py"),
        *("cfn-init-data", "cfn-metadata-server", "cfn-boto-cfg"),
    ]
    assert body(found["cfn-userdata"]) == "#!/bin/sh\necho ä"
    assert found["cfn-userdata"].get_content_type() == "text/x-cfninitdata"
    assert json.loads(body(found["cfn-init-data"])) == {"a": 1}
    assert body(found["cfn-metadata-server"]) == f"{URL}/"
    assert "is_secure = 1" in body(found["cfn-boto-cfg"])
    assert "cfn_region_endpoint = cfn.test" in body(found["cfn-boto-cfg"])


def test_guest_tools_are_told_of_the_metrics_api_where_it_is_served() -> None:
    found = parts(build("HEAT_CFNTOOLS", "", None, URL, "https://watch.test:8003/v1"))
    assert list(found)[-3:] == ["cfn-watch-server", "cfn-metadata-server", "cfn-boto-cfg"]
    assert body(found["cfn-watch-server"]) == "https://watch.test:8003/v1/"
    assert "cloudwatch_region_endpoint = watch.test" in body(found["cfn-boto-cfg"])
    assert "cfn-watch-server" not in parts(build("SOFTWARE_CONFIG", "", None, URL, "https://watch.test"))


def test_scripts_for_guests_are_python() -> None:
    found = parts(build("HEAT_CFNTOOLS", "", None, URL))
    for name in ("part-handler.py", "loguserdata.py"):
        compile(body(found[name]), name, "exec")
    assert "cfn-init-data" not in found


def test_software_config_takes_multipart_apart() -> None:
    inner = build("SOFTWARE_CONFIG", "#cloud-config\nx: 1", None, URL)
    assert list(parts(inner)) == ["cloud-config", "boothook.sh", "part-handler.py", "user-data"]
    assert parts(inner)["user-data"].get_content_subtype() == "cloud-config"
    outer = parts(build("SOFTWARE_CONFIG", inner, {"m": 1}, URL))
    assert list(outer) == [
        *("cloud-config", "boothook.sh", "part-handler.py", "user-data", "cfn-init-data"),
    ]


def test_ignition_gets_files() -> None:
    config = {"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/x"}]}}
    built = json.loads(build("SOFTWARE_CONFIG", json.dumps(config), {"m": 1}, URL))
    assert [each["path"] for each in built["storage"]["files"]] == [
        "/x",
        "/var/lib/heat-cfntools/cfn-init-data",
        "/var/lib/cloud/data/cfn-init-data",
    ]
    assert json.loads(build("SOFTWARE_CONFIG", json.dumps(config), None, URL)) == config
    assert "user-data" in parts(build("SOFTWARE_CONFIG", "{no json", None, URL))
