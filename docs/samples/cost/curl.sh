#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

get() { # path, more options of curl
  path=$1 && shift
  answer=$(curl --silent --show-error --fail-with-body "$url$path" \
    --header "Authorization: Bearer $HEADGATE_API_KEY" "$@") || {
    printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
    exit 1
  }
  printf '%s\n' "$answer"
}

# An id of your own finds the call again; without it, take x-request-id from the answer.
id="sample-$(date +%s)-$$"
get /v1/chat/completions --header "x-request-id: $id" --header 'Content-Type: application/json' \
  --data '{"model": "demo", "messages": [{"role": "user", "content": "What do you cost?"}]}' > /dev/null

get "/v1/usage/$id" | jq -r '"\(.cost_usd) USD for \(.input_tokens) tokens in and \(.output_tokens) out (\(.outcome))"'
get '/v1/usage?limit=1' | jq -r '
  "\(.totals.requests) calls, \(.totals.cost_usd) USD in all",
  (if .budget then "\(.budget.spent_usd) of \(.budget.limit_usd) USD of the budget spent" else "no budget" end)'
