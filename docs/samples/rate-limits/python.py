"""How many requests are left."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]

question = {"role": "user", "content": "Hello"}
request = urllib.request.Request(
    URL + "/v1/chat/completions",
    data=json.dumps({"model": "demo", "messages": [question]}).encode(),
    headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=120) as response:
        headers = response.headers
except urllib.error.HTTPError as refusal:
    error = json.load(refusal)["error"]
    sys.exit(f"{error['code']}: {error['message']}")

remaining = int(headers["x-ratelimit-remaining"])
seconds = int(headers["x-ratelimit-reset"])
print(f"{remaining} of {headers['x-ratelimit-limit']} requests left")
if remaining == 0:
    time.sleep(seconds)  # better wait than be refused
print(f"as many as ever in {seconds} s at most")
