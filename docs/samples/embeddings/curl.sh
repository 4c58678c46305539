#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

request='{"model": "demo", "input": ["The cat sat on the mat", "A cat lay on the mat", "Interest rates rise again"]}'
answer=$(curl --silent --show-error --fail-with-body "$url/v1/embeddings" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' --data "$request") || {
  printf '%s\n' "$answer" | jq -r '.error | "\(.code): \(.message)"' >&2
  exit 1
}

# The vectors have length 1, so their product is the cosine of the angle between them.
printf '%s\n' "$answer" | jq -r --argjson request "$request" '[.data | sort_by(.index)[].embedding] as $vectors |
  "\($vectors[0] | length) dimensions",
  (range(1; 3) as $i | ([range($vectors[0] | length) | $vectors[0][.] * $vectors[$i][.]] | add * 100 | round) as $percent |
    "\($percent) % like the first: \($request.input[$i])")'
