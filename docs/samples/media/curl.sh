#!/bin/sh
set -eu
url="${HEADGATE_URL:-http://127.0.0.1:8787}"
folder=$(mktemp -d)

# Sends a request and keeps the answer in a file; prints the error of an answer.
call() {
  curl --silent --show-error --fail-with-body "$url$1" --output "$folder/$3" \
    --header "Authorization: Bearer $HEADGATE_API_KEY" \
    --header 'Content-Type: application/json' --data "$2" || {
    jq -r '.error | "\(.code): \(.message)"' "$folder/$3" >&2
    exit 1
  }
}

call /v1/images/generations '{"model": "demo", "prompt": "A lighthouse in a storm", "size": "64x64"}' answer.json
jq -r '.data[0].b64_json' "$folder/answer.json" | base64 -d >"$folder/picture.png"
printf 'a picture in %s\n' "$(dd if="$folder/picture.png" bs=1 skip=1 count=3 2>/dev/null)"

call /v1/audio/speech \
  '{"model": "demo", "voice": "alloy", "input": "Welcome to Headgate", "response_format": "wav"}' words.wav
# A WAV file: 44 bytes of header, then 48,000 bytes a second.
awk -v bytes="$(wc -c <"$folder/words.wav")" 'BEGIN { printf "%.2f seconds of sound\n", (bytes - 44) / 48000 }'
rm -r "$folder"
