#!/usr/bin/env bash
# Sends files of JSON to Evermuse's Ingestion API: evermuse-ingest.sh FILE...
# EVERMUSE_API_KEY is a key of our workspace with the permission api:write.
set -euo pipefail
url=${EVERMUSE_URL:-https://api.evermuse.com}

# Sends one file. When the rate limit is exceeded, waits as long as the body says, at most five times.
ingest() {
  local file=$1 attempt answer status body seconds
  for attempt in 1 2 3 4 5; do
    answer=$(curl --silent --show-error -X POST "$url/api/v1/ingest" \
      -H "Content-Type: application/json" \
      -H "x-api-key: $EVERMUSE_API_KEY" \
      -d "@$file" \
      --write-out '\n%{http_code}')
    status=${answer##*$'\n'}
    body=${answer%$'\n'*}
    case $status in
      2??)
        echo "$file: ingested at attempt $attempt"
        return
        ;;
      429)
        seconds=$(sed -n 's/.*"retryAfter" *: *\([0-9]*\).*/\1/p' <<<"$body")
        echo "$file: rate limit exceeded, waiting ${seconds:?"the body has no retryAfter: $body"} s"
        sleep "$seconds"
        ;;
      401) fail "$file: missing or invalid API key; check EVERMUSE_API_KEY" ;;
      403) fail "$file: the key lacks api:write; generate another under Settings > API Keys" ;;
      *) fail "$file: status $status: $body" ;;
    esac
  done
  fail "$file: still over the rate limit"
}

fail() {
  echo "$1" >&2
  exit 1
}

for file in "$@"; do ingest "$file"; done
