#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

answer=$(curl --silent --show-error --fail-with-body --dump-header "$headers" "$url/v1/chat/completions" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' \
  --data '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}') || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}

header() {
  grep -i "^$1:" "$headers" | tr -d '\r' | cut -d ' ' -f 2
}
remaining=$(header x-ratelimit-remaining)
echo "$remaining of $(header x-ratelimit-limit) requests left"
# Nothing left: better wait than be refused.
[ "$remaining" -gt 0 ] || sleep "$(header x-ratelimit-reset)"
echo "as many as ever in $(header x-ratelimit-reset) s at most"
