#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

answer=$(curl --silent --show-error --fail-with-body "$url/v1/models" \
  --header "Authorization: Bearer $HEADGATE_API_KEY") || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}
printf '%s\n' "$answer" | jq -r '.data[] | "\(.id): \(.headgate.operations | join(", "))"'
