#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

admin() { # method, path, body
  answer=$(curl --silent --show-error --fail-with-body --request "$1" "$url/admin/v1$2" \
    --header "Authorization: Bearer $HEADGATE_ADMIN_KEY" \
    --header 'Content-Type: application/json' --data "$3") || {
    printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
    exit 1
  }
  printf '%s\n' "$answer"
}

key=$(admin POST /keys '{"name": "sample", "tier": "free", "models": ["demo"], "budget": {"limit_usd": "5", "window": "month"}}')
id=$(printf '%s\n' "$key" | jq -r .id)
printf '%s\n' "$key" | jq -r '"created \(.id), \(.budget.limit_usd) USD a \(.budget.window)"'
secret=$(printf '%s\n' "$key" | jq -r .key) # shown this once: store it now

secret=$(admin POST "/keys/$id/rotate" '{"overlap_seconds": 3600}' | jq -r .key)
echo "rotated: the new secret begins with $(printf '%s\n' "$secret" | cut -c 1-6), the former one works for another hour"

admin PATCH "/keys/$id" '{"budget": {"limit_usd": "10", "window": "month"}}' |
  jq -r '"\(.budget.spent_usd) of \(.budget.limit_usd) USD spent"'

admin POST "/keys/$id/revoke" '{"reason": "the sample is over"}' | jq -r .state
