#!/usr/bin/env bash
# Reads and writes memories at Memsolus:
#   memsolus-memories.sh list
#   memsolus-memories.sh add TEXT
#   memsolus-memories.sh forget ID
# MEMSOLUS_API_KEY has the permissions memory.read, memory.write and memory.delete, as far as they are needed.
set -euo pipefail
url=${MEMSOLUS_URL:-https://api.memsolus.com}

case ${MEMSOLUS_API_KEY:?} in
  msk_live_*) environment=production ;;
  msk_test_*) environment=test ;;
  *)
    echo 'MEMSOLUS_API_KEY is no key of Memsolus' >&2
    exit 1
    ;;
esac

# memsolus METHOD PATH [CURL OPTION...]: sends a request and prints the body of its answer.
memsolus() {
  local answer status
  answer=$(curl --silent --show-error -X "$1" "$url$2" -H "X-Api-Key: $MEMSOLUS_API_KEY" "${@:3}" \
    --write-out '\n%{http_code}')
  status=${answer##*$'\n'}
  case $status in
    2??) printf '%s\n' "${answer%$'\n'*}" ;;
    401)
      echo 'the key was revoked or rotated; store the new one in MEMSOLUS_API_KEY' >&2
      exit 1
      ;;
    403)
      echo "403 Forbidden: the key lacks the permission for $1 $2" >&2
      exit 1
      ;;
    *)
      echo "status $status: ${answer%$'\n'*}" >&2
      exit 1
      ;;
  esac
}

echo "environment: $environment"
case ${1:-list} in
  list) memsolus GET /v1/memories ;;
  add) memsolus POST /v1/memories -H 'Content-Type: application/json' -d "{\"text\":\"$2\"}" ;;
  forget) memsolus DELETE "/v1/memories/$2" ;;
esac
