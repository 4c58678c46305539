"""A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation."""

import json
import os
import random
import time
import urllib.error
import urllib.request

URL = os.environ.get("HEADGATE_URL", "http://127.0.0.1:8787")
KEY = os.environ["HEADGATE_API_KEY"]
TRIES = 4


class Failed(Exception):
    """An answer that did not come, or not whole."""


def send(path, body=None):
    """Opens a request; tries again, as Retry-After says, where that can help."""
    request = urllib.request.Request(
        URL + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    for attempt in range(1, TRIES + 1):
        try:
            return urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as refusal:
            passing = refusal.code in (408, 429) or refusal.code >= 500
            forbidden = refusal.headers["x-should-retry"] == "false"
            if attempt == TRIES or forbidden or not passing:
                error = json.load(refusal)["error"]
                raise Failed(f"{error['code']}: {error['message']}") from refusal
            backoff = 0.5 * 2**attempt * random.uniform(0.75, 1)
            time.sleep(float(refusal.headers["Retry-After"] or backoff))
    raise Failed("no answer")


def parts(response):
    """Yields the parts of a stream; raises when it fails or is cut."""
    for line in response:
        data = line.removeprefix(b"data: ").strip()
        if data == b"[DONE]":
            return
        if line.startswith(b"data: "):
            part = json.loads(data)
            if "error" in part:
                raise Failed(f"{part['error']['code']}: {part['error']['message']}")
            yield part
    raise Failed("the stream was cut")


def budget():
    """What is spent of the key's budget, in words."""
    with send("/v1/usage?limit=1") as response:
        state = json.load(response)["budget"]
    return f"; {state['spent_usd']} of {state['limit_usd']} USD spent" if state else ""


def answer(messages):
    """Shows an answer as it comes and returns it."""
    text = ""
    body = {
        "model": "demo",
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with send("/v1/chat/completions", body) as response:
        for part in parts(response):
            for choice in part["choices"]:
                content = choice["delta"].get("content") or ""
                print(content, end="", flush=True)
                text += content
            if part.get("usage"):
                cost = part["headgate"]["cost_usd"]
                print(f"\n[{part['usage']['total_tokens']} tokens, {cost} USD", end="")
    print(budget() + "]")
    return text


def converse():
    """Asks and answers until the input ends."""
    messages = []
    while True:
        try:
            messages.append({"role": "user", "content": input("You: ")})
        except EOFError:
            print()
            return
        try:
            print("Model: ", end="", flush=True)
            messages.append({"role": "assistant", "content": answer(messages)})
        except (Failed, OSError, KeyboardInterrupt) as fault:
            messages.pop()
            print(f"\n[no whole answer: {fault or 'aborted'}]")


if __name__ == "__main__":
    converse()
