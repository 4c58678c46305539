#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# On 408, 429 and 5xx curl tries again by itself and waits as long as Retry-After says, else 1 s, 2 s, 4 s.
chat() { # model, question
  curl --silent --fail-with-body --retry 3 --retry-max-time 60 --max-time 120 --output "$body" \
    "$url/v1/chat/completions" \
    --header "Authorization: Bearer $HEADGATE_API_KEY" \
    --header 'Content-Type: application/json' \
    --data "{\"model\": \"$1\", \"messages\": [{\"role\": \"user\", \"content\": \"$2\"}]}"
}

explain() { # the error of the last answer; none when there was no answer at all
  jq -r '"\(.status) \(.error.code): \(.error.message)", "request \(.error.request_id), see \(.error.doc_url)"' "$body"
}

for question in 'Hello' 'Hello again'; do
  chat demo "$question" || { explain >&2; exit 1; }
  echo "answered: $question"
done

# Decide by error.code: it never changes its meaning.
chat no-such-model Hello || explain
