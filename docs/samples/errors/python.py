"""Errors, and when to try again."""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]
TRIES = 4


def chat(model, content):
    """Sends a question; tries again, as Retry-After says, where that can help."""
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    request = urllib.request.Request(
        URL + "/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    for attempt in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            passing = refusal.code in (408, 429) or refusal.code >= 500
            forbidden = refusal.headers["x-should-retry"] == "false"
            if attempt == TRIES or forbidden or not passing:
                raise
            backoff = 0.5 * 2**attempt * random.uniform(0.75, 1)
            seconds = float(refusal.headers["Retry-After"] or backoff)
            print(f"{refusal.code}, again in {seconds:.1f} s", file=sys.stderr)
            time.sleep(seconds)
    return None


for question in ["Hello", "Hello again"]:
    chat("demo", question)
    print("answered:", question)

try:
    chat("no-such-model", "Hello")
except urllib.error.HTTPError as fault:
    # Decide by the code: it never changes its meaning.
    error = json.load(fault)["error"]
    print(f"{fault.code} {error['code']}: {error['message']}")
    print(f"request {error['request_id']}, see {error['doc_url']}")
