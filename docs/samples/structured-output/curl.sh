#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

answer=$(curl --silent --show-error --fail-with-body "$url/v1/chat/completions" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' \
  --data '{
    "model": "demo",
    "messages": [{"role": "user", "content": "Lunch with Ada and Grace on Friday."}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "event", "strict": true, "schema": {
      "type": "object",
      "properties": {
        "title": {"type": "string"},
        "day": {"type": "string", "enum": ["Friday", "Saturday", "Sunday"]},
        "guests": {"type": "array", "items": {"type": "string"}}
      },
      "required": ["title", "day", "guests"],
      "additionalProperties": false
    }}}
  }') || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}
# A refusal, or an answer cut by the token limit, holds no whole object.
printf '%s\n' "$answer" | jq -r '.choices[0] | if .finish_reason != "stop" or .message.refusal then
    "no event: \(.message.refusal // .finish_reason)\n" | halt_error
  else
    .message.content | fromjson | "\(.title), \(.day), with \(.guests | join(" and "))"
  end'
