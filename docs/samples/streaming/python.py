"""A streamed answer."""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]


def stream(body):
    """Yields the parts of a streamed answer; raises when it fails or is cut."""
    request = urllib.request.Request(
        URL + "/v1/chat/completions",
        data=json.dumps(body | {"stream": True}).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            for line in response:
                if not line.startswith(b"data: "):
                    continue  # an empty line, or a comment that keeps the connection
                data = line.removeprefix(b"data: ").strip()
                if data == b"[DONE]":
                    return
                part = json.loads(data)
                if "error" in part:
                    raise RuntimeError(
                        f"{part['error']['code']}: {part['error']['message']}"
                    )
                yield part
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        raise RuntimeError(f"{error['code']}: {error['message']}") from refusal
    raise RuntimeError("The stream was cut.")


try:
    for chunk in stream(
        {
            "model": "demo",
            "messages": [{"role": "user", "content": "Count to three."}],
            "stream_options": {"include_usage": True},
        }
    ):
        for choice in chunk["choices"]:
            print(choice["delta"].get("content") or "", end="", flush=True)
        if chunk.get("usage"):
            cost = chunk["headgate"]["cost_usd"]
            print(f"\n{chunk['usage']['total_tokens']} tokens, {cost} USD")
except RuntimeError as fault:
    sys.exit(str(fault))
