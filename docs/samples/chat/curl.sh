#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

answer=$(curl --silent --show-error --fail-with-body "$url/v1/chat/completions" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' \
  --data '{"model": "demo", "messages": [{"role": "user", "content": "Say hello in one sentence."}]}') || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}
printf '%s\n' "$answer" | jq -r '.choices[0].message.content'
