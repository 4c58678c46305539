#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

chat() { # sends a request and prints the answer's message
  answer=$(curl --silent --show-error --fail-with-body "$url/v1/chat/completions" \
    --header "Authorization: Bearer $HEADGATE_API_KEY" \
    --header 'Content-Type: application/json' --data "$1") || {
    printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
    exit 1
  }
  printf '%s\n' "$answer" | jq '.choices[0].message'
}

request='{
  "model": "demo",
  "messages": [{"role": "user", "content": "What is the weather in Paris, and what time is it there?"}],
  "parallel_tool_calls": true,
  "tools": [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather in a city.",
      "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "get_time", "description": "The local time in a city.",
      "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
  ]
}'
message=$(chat "$request")
printf '%s\n' "$message" | jq -r '.tool_calls[].function | "\(.name) \(.arguments)"'

# Run the functions, then send their results back under the ids of the calls.
request=$(printf '%s\n' "$request" | jq --argjson message "$message" '
  {get_weather: "sunny, 21 °C", get_time: "12:00"} as $results |
  .messages += [$message, ($message.tool_calls[] | {role: "tool", tool_call_id: .id, content: $results[.function.name]})]')
chat "$request" | jq -r '.content'
