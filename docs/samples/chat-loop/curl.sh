#!/bin/sh
# A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation.
set -u
url="${HEADGATE_URL:-http://127.0.0.1:8787}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap : INT # reaches curl as well and ends it; the script goes on

# Before the first part curl tries again by itself, as Retry-After says.
ask() { # messages
  printf '%s' "$1" | jq -c '{model: "demo", messages: ., stream: true, stream_options: {include_usage: true}}' |
    curl --silent --show-error --no-buffer --fail-with-body --retry 3 --retry-max-time 60 "$url/v1/chat/completions" \
      --header "Authorization: Bearer $HEADGATE_API_KEY" --header 'Content-Type: application/json' --data @-
}

show() { # prints the parts of a stream as they come; fails unless it was whole
  sed -u -n 's/^data: \[DONE\]$/"DONE"/; s/^data: //; /^["{]/p' |
    jq -n -j --unbuffered 'foreach (inputs, "END") as $part (false; . or $part == "DONE";
      if $part == "END" then if . then empty else "The stream was cut.\n" | halt_error end
      elif $part == "DONE" then empty
      elif $part.error then "\($part.error.code): \($part.error.message)\n" | halt_error
      else ($part.choices[0].delta.content // empty),
        ($part | select(.usage) | "\n[\(.usage.total_tokens) tokens, \(.headgate.cost_usd) USD")
      end)'
}

budget() {
  curl --silent --show-error --fail "$url/v1/usage?limit=1" --header "Authorization: Bearer $HEADGATE_API_KEY" |
    jq -r '.budget | if . then "; \(.spent_usd) of \(.limit_usd) USD spent]" else "]" end'
}

messages='[]'
while printf 'You: ' && IFS= read -r question; do
  messages=$(printf '%s' "$messages" | jq -c --arg text "$question" '. + [{role: "user", content: $text}]')
  printf 'Model: '
  rm -f "$folder/whole"
  { ask "$messages" | show && : > "$folder/whole"; } | tee "$folder/shown"
  if [ -e "$folder/whole" ]; then
    budget
    messages=$(printf '%s' "$messages" | jq -c --rawfile text "$folder/shown" \
      '. + [{role: "assistant", content: ($text | sub("\n\\[[^\n]*$"; ""))}]')
  else
    echo '[no whole answer]'
    messages=$(printf '%s' "$messages" | jq -c '.[:-1]')
  fi
done
echo
