#!/usr/bin/env python3
"""Create three machines and wait for them: submit, poll all in one request, result.

    CLOUDLET_API_KEY=gpcn_… python3 create.py [NAME]        needs the standard library only
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

API = os.environ.get("CLOUDLET_URL", "http://127.0.0.1:8080") + "/v1/resource"
KEY = os.environ.get("CLOUDLET_API_KEY") or sys.exit("Set CLOUDLET_API_KEY to your key, gpcn_…")


def post(path, body, **headers):
    """One request: returns what was asked for, or says what is wrong and ends."""
    headers |= {"X-API-Key": KEY, "Content-Type": "application/json"}
    request = urllib.request.Request(API + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as refusal:
        answer = json.load(refusal)
        sys.exit(f"{answer['error']}: {answer['message']}")
    except urllib.error.URLError as problem:
        sys.exit(f"{API} does not answer: {problem.reason}")


# Submit. The answer comes at once, with one job for each machine.
machines = {
    "name": sys.argv[1] if len(sys.argv) > 1 else "web",
    "datacenterId": os.environ.get("DATA_CENTER_ID", "6f1c0e5e-0000-4000-8000-000000000001"),
    "imageId": 12,
    "configurationId": 45,
    "numberOfInstances": 3,
}
jobs = post("/virtual-machines", machines, **{"Idempotency-Key": str(uuid.uuid4())})
ids = [job["id"] for job in jobs]

# Poll, all jobs in one request. Every job ends: completed or failed.
while any(job["status"] in ("pending", "in_progress") for job in jobs):
    time.sleep(float(os.environ.get("POLL_SECONDS", "2")))
    jobs = post("/jobs", {"jobIds": ids})["jobs"]
    for job in jobs:
        print(f"{job['resourceName']}  {job['progress']} %  {job['message']}", file=sys.stderr)

# Result: the machines' ids on stdout; what failed, and why, on stderr.
failed = [job for job in jobs if job["status"] == "failed"]
for job in jobs:
    if job["status"] == "completed":
        print(f"{job['resourceName']}  {job['resourceId']}")
for job in failed:
    print(f"{job['resourceName']}: {job['error']}", file=sys.stderr)
sys.exit(1 if failed else 0)
