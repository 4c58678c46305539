"""What a call cost, and what all calls of a key did."""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]
# An id of your own finds the call again; without it, take x-request-id from the answer.
REQUEST_ID = str(uuid.uuid4())


def call(path, body=None):
    """Sends a request and returns the answer; ends with the error of the answer."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    if body is not None:
        headers["x-request-id"] = REQUEST_ID
        body = json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        sys.exit(f"{error['code']}: {error['message']}")


question = {"role": "user", "content": "What do you cost?"}
call("/v1/chat/completions", {"model": "demo", "messages": [question]})

usage = call(f"/v1/usage/{REQUEST_ID}")
tokens = f"{usage['input_tokens']} tokens in and {usage['output_tokens']} out"
print(f"{usage['cost_usd']} USD for {tokens} ({usage['outcome']})")

usages = call("/v1/usage?limit=1")
totals, budget = usages["totals"], usages["budget"]
print(f"{totals['requests']} calls, {totals['cost_usd']} USD in all")
if budget:
    print(f"{budget['spent_usd']} of {budget['limit_usd']} USD of the budget spent")
else:
    print("no budget")
