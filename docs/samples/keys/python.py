"""The life of an API key, for operators."""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
ADMIN_KEY = os.environ["HEADGATE_ADMIN_KEY"]


def admin(method, path, body):
    """Calls the admin API; ends with the error of the answer."""
    request = urllib.request.Request(
        f"{URL}/admin/v1{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {ADMIN_KEY}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        sys.exit(f"{error['code']}: {error['message']}")


key = admin(
    "POST",
    "/keys",
    {
        "name": "sample",
        "tier": "free",
        "models": ["demo"],
        "budget": {"limit_usd": "5", "window": "month"},
    },
)
key_id, budget = key["id"], key["budget"]
print(f"created {key_id}, {budget['limit_usd']} USD a {budget['window']}")
# key["key"] is shown this once: store it now.

secret = admin("POST", f"/keys/{key_id}/rotate", {"overlap_seconds": 3600})["key"]
print(f"rotated: the new secret begins with {secret[:6]}", end=", ")
print("the former one works for another hour")

raised = {"budget": {"limit_usd": "10", "window": "month"}}
budget = admin("PATCH", f"/keys/{key_id}", raised)["budget"]
print(f"{budget['spent_usd']} of {budget['limit_usd']} USD spent")

reason = {"reason": "the sample is over"}
print(admin("POST", f"/keys/{key_id}/revoke", reason)["state"])
