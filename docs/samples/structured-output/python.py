"""An answer in the form of a JSON schema."""

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


SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "day": {"type": "string", "enum": ["Friday", "Saturday", "Sunday"]},
        "guests": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["title", "day", "guests"],
    "additionalProperties": False,
}

answer = call(
    "/v1/chat/completions",
    {
        "model": "demo",
        "messages": [
            {"role": "user", "content": "Lunch with Ada and Grace on Friday."}
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "event", "strict": True, "schema": SCHEMA},
        },
    },
)
choice = answer["choices"][0]
refusal_text = choice["message"].get("refusal")
# A refusal, or an answer cut by the token limit, holds no whole object.
if choice["finish_reason"] != "stop" or refusal_text:
    sys.exit(f"no event: {refusal_text or choice['finish_reason']}")
event = json.loads(choice["message"]["content"])
print(f"{event['title']}, {event['day']}, with {' and '.join(event['guests'])}")
