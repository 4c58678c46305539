"""Texts compared by their vectors."""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]


def call(path, body=None):
    """Sends a request and returns the answer; ends with the error of the answer."""
    request = urllib.request.Request(
        URL + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        sys.exit(f"{error['code']}: {error['message']}")


TEXTS = [
    "The cat sat on the mat",
    "A cat lay on the mat",
    "Interest rates rise again",
]

answer = call("/v1/embeddings", {"model": "demo", "input": TEXTS})
first, *others = [item["embedding"] for item in answer["data"]]
print(len(first), "dimensions")

# The vectors have length 1, so their product is the cosine of the angle between them.
for text, other in zip(TEXTS[1:], others):
    cosine = sum(left * right for left, right in zip(first, other))
    print(f"{cosine * 100:.0f} % like the first: {text}")
