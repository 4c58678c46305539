#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

# One red pixel; for a file: image=$(base64 < picture.png | tr -d '\n')
image=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==

answer=$(curl --silent --show-error --fail-with-body "$url/v1/chat/completions" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' \
  --data @- <<END
{"model": "demo", "messages": [{"role": "user", "content": [
  {"type": "text", "text": "What is in this picture?"},
  {"type": "image_url", "image_url": {"url": "data:image/png;base64,$image"}}
]}]}
END
) || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}
printf '%s\n' "$answer" | jq -r '.choices[0].message.content'
