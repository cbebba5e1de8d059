"""The cloud as an HTTP client sees it: a token, a catalog and five verbs."""

import time
import uuid
from functools import partialmethod

import requests

AUTH = "http://127.0.0.1:5000/v3"
TAG = "verify-" + uuid.uuid4().hex[:6]


class Cloud:
    def __init__(self, user="admin"):
        who = {"name": user, "domain": {"id": "default"}, "password": "secret"}
        scope = {"project": {"name": user, "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": who}}
        reply = requests.post(
            AUTH + "/auth/tokens", timeout=60, json={"auth": {"identity": identity, "scope": scope}}
        )
        reply.raise_for_status()
        token = reply.json()["token"]
        self.project, self.user = token["project"]["id"], token["user"]["id"]
        self.urls = {
            s["type"]: e["url"].rstrip("/")
            for s in token["catalog"]
            for e in s["endpoints"]
            if e["interface"] == "public"
        }
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = reply.headers["X-Subject-Token"]

    def call(self, method, kind, path, **kw):
        """The JSON of the answer, or the answer itself where it has none."""
        reply = self.session.request(method, self.urls[kind] + path, timeout=120, **kw)
        if not reply.ok:
            raise AssertionError(f"{method} {kind} {path}: {reply.status_code} {reply.text[:300]}")
        try:
            return reply.json()
        except ValueError:
            return reply

    get = partialmethod(call, "GET")
    post = partialmethod(call, "POST")
    put = partialmethod(call, "PUT")
    delete = partialmethod(call, "DELETE")

    def wait(self, kind, path, key, want="ACTIVE", field="status", seconds=90, **kw):
        end = time.monotonic() + seconds
        while True:
            item = self.get(kind, path, **kw)
            item = item[key] if key else item
            if item[field] == want:
                return item
            if "ERROR" in str(item[field]).upper() or time.monotonic() > end:
                raise AssertionError(f"{kind} {path}: {field} is {item[field]}, want {want}")
            time.sleep(0.5)

    def gone(self, kind, path, seconds=60, **kw):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.session.get(self.urls[kind] + path, timeout=60, **kw).status_code == 404:
                return
            time.sleep(0.5)
        raise AssertionError(f"{kind} {path} is still there")
