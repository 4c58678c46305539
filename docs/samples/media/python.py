"""A picture and a sound."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]


def call(path, body):
    """Sends a request and returns the bytes of the answer; ends with its error."""
    request = urllib.request.Request(
        URL + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.read()
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        sys.exit(f"{error['code']}: {error['message']}")


wish = {"model": "demo", "prompt": "A lighthouse in a storm", "size": "64x64"}
answer = json.loads(call("/v1/images/generations", wish))
picture = base64.b64decode(answer["data"][0]["b64_json"])
print("a picture in", picture[1:4].decode())

words = {
    "model": "demo",
    "voice": "alloy",
    "input": "Welcome to Headgate",
    "response_format": "wav",
}
sound = call("/v1/audio/speech", words)
# A WAV file: 44 bytes of header, then 48,000 bytes a second.
print(f"{(len(sound) - 44) / 48_000:.2f} seconds of sound")
