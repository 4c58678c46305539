#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"

# A whole stream ends with [DONE]; an error inside it comes as an event of its own.
curl --silent --show-error --no-buffer --fail-with-body "$url/v1/chat/completions" \
  --header "Authorization: Bearer $HEADGATE_API_KEY" \
  --header 'Content-Type: application/json' \
  --data '{"model": "demo", "stream": true, "stream_options": {"include_usage": true},
           "messages": [{"role": "user", "content": "Count to three."}]}' |
  sed -u -n 's/^data: \[DONE\]$/"DONE"/; s/^data: //; /^["{]/p' |
  jq -n -j --unbuffered 'foreach (inputs, "END") as $part (false; . or $part == "DONE";
    if $part == "END" then if . then empty else "The stream was cut.\n" | halt_error end
    elif $part == "DONE" then empty
    elif $part.error then "\($part.error.code): \($part.error.message)\n" | halt_error
    else ($part.choices[0].delta.content // empty),
      ($part | select(.usage) | "\n\(.usage.total_tokens) tokens, \(.headgate.cost_usd) USD\n")
    end)'
