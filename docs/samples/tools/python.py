"""Functions that the model may call."""

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


FUNCTIONS = {
    "get_weather": lambda city: "sunny, 21 °C",
    "get_time": lambda city: "12:00",
}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": PARAMETERS,
        },
    }
    for name, description in [
        ("get_weather", "The weather in a city."),
        ("get_time", "The local time in a city."),
    ]
]
messages = [
    {
        "role": "user",
        "content": "What is the weather in Paris, and what time is it there?",
    }
]


def ask():
    """Asks the model and keeps its message in the conversation."""
    answer = call(
        "/v1/chat/completions",
        {
            "model": "demo",
            "messages": messages,
            "tools": TOOLS,
            "parallel_tool_calls": True,
        },
    )
    messages.append(answer["choices"][0]["message"])
    return messages[-1]


while calls := ask().get("tool_calls"):
    for tool_call in calls:
        function = tool_call["function"]
        print(function["name"], function["arguments"])
        # A model may name a function that does not exist: tell it rather than fail.
        run = FUNCTIONS.get(function["name"], lambda **_: "There is no such function.")
        result = run(**json.loads(function["arguments"]))
        messages.append(
            {"role": "tool", "tool_call_id": tool_call["id"], "content": result}
        )
print(messages[-1]["content"])
