#!/bin/sh
# rollout.sh IMAGE: puts IMAGE in the place of what runs, tries it, and puts the former one back where it fails.
# rollout.sh --back: puts the former one back.
# Runs on the host, beside the compose file and its .env. Ends with 0 when what was asked for serves, 1 when the former image
# serves again, 2 when nothing passes the smoke test.
set -eu

wanted=${1:?name an image, or --back}
: "${COMPOSE_FILE:=embedded.yaml}" "${SMOKE_URL:=http://127.0.0.1:8787}" "${SMOKE_KEY_FILE:=smoke.key}" "${SMOKE_MODEL:=demo}"
export COMPOSE_FILE

compose() {
  docker compose --env-file .env --env-file image.env "$@"
}

# Starts an image and tries it. What is chosen stands in image.env, so that a later start by hand takes the same.
serves() {
  printf 'HEADGATE_IMAGE=%s\n' "$1" >image.env
  compose up --detach --no-build --wait --wait-timeout 180 headgate &&
    docker run --rm --interactive --network host "$1" \
      smoke "$SMOKE_URL" --key-file - --model "$SMOKE_MODEL" <"$SMOKE_KEY_FILE"
}

touch image.env
former=
running=$(compose ps --quiet headgate)
if [ "$wanted" = --back ]; then
  wanted=$(cat image.former)
else
  # By its digest: a tag may point elsewhere by then.
  if [ -n "$running" ]; then
    former=$(docker inspect --format '{{.Image}}' "$running")
    printf '%s\n' "$former" >image.former
  fi
  docker pull "$wanted"
fi

if serves "$wanted"; then
  echo "$wanted serves"
  exit 0
fi
if [ -z "$former" ]; then
  echo "$wanted does not pass, and there is nothing to go back to" >&2
  exit 2
fi
echo "$wanted does not pass: going back to $former" >&2
serves "$former" || exit 2
exit 1
