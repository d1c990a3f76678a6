#!/bin/sh
# Create three machines and wait for them: submit, poll all in one request, result.
#
#   CLOUDLET_API_KEY=gpcn_… sh create.sh [NAME]        needs curl and jq
set -eu

api="${CLOUDLET_URL:-http://127.0.0.1:8080}/v1/resource"
key="${CLOUDLET_API_KEY:?Set CLOUDLET_API_KEY to your key, gpcn_…}"

# One request: prints what was asked for, or says what is wrong and fails.
# It may be sent again after a lost answer: the Idempotency-Key below makes that safe.
call() {
    answer=$(curl -sS --retry 5 --retry-connrefused -H "X-API-Key: $key" -H 'Content-Type: application/json' "$@") || return
    printf '%s' "$answer" | jq 'if .success then .data else "\(.error): \(.message)\n" | halt_error(1) end'
}

# Submit. The answer comes at once, with one job for each machine.
place="${DATA_CENTER_ID:-6f1c0e5e-0000-4000-8000-000000000001}"
wish=$(jq -n --arg name "${1:-web}" --arg place "$place" \
    '{name: $name, datacenterId: $place, imageId: 12, configurationId: 45, numberOfInstances: 3}')
jobs=$(call "$api/virtual-machines" -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -d "$wish")
ids=$(printf '%s' "$jobs" | jq '{jobIds: map(.id)}')

# Poll, all jobs in one request. Every job ends: completed or failed.
while printf '%s' "$jobs" | jq -e 'any(.status == "pending" or .status == "in_progress")' >/dev/null; do
    sleep "${POLL_SECONDS:-2}"
    jobs=$(call "$api/jobs" -d "$ids")
    jobs=$(printf '%s' "$jobs" | jq '.jobs')
    printf '%s' "$jobs" | jq -r '.[] | "\(.resourceName)  \(.progress) %  \(.message)"' >&2
done

# Result: the machines' ids on stdout; what failed, and why, on stderr.
printf '%s' "$jobs" | jq -r '.[] | select(.status == "completed") | "\(.resourceName)  \(.resourceId)"'
printf '%s' "$jobs" | jq -r '.[] | select(.status == "failed") | "\(.resourceName): \(.error)"' >&2
printf '%s' "$jobs" | jq -e 'all(.status == "completed")' >/dev/null
