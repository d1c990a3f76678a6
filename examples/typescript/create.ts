// Create machines, wait for them, delete them again: a client that may be killed at any moment. Started
// again it goes on where it was, and makes nothing twice.
//
//   npm ci && npx tsc && CLOUDLET_API_KEY=gpcn_… node dist/create.js [NAME [COUNT]]        needs Node 20

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const API = (process.env["CLOUDLET_URL"] ?? "http://127.0.0.1:8080") + "/v1/resource";
const KEY = process.env["CLOUDLET_API_KEY"] ?? "";
const STATE_FILE = process.env["STATE_FILE"] ?? "create-state.json";
const POLL_SECONDS = Number(process.env["POLL_SECONDS"] ?? "2");

/** Jobs that are polled in one request. */
const BATCH = 50;
/** The longest pause between two polls, and between two tries of a request. */
const LONGEST_PAUSE_SECONDS = 10;
/** How long one request may take; a start or a stop waits up to 50 s for its turn. */
const REQUEST_TIMEOUT_MS = 60_000;
/** How long a server that is away is waited for. */
const PATIENCE_MS = 5 * 60_000;

interface Wish {
  name: string;
  datacenterId: string;
  imageId: number;
  configurationId: number;
  numberOfInstances: number;
}

interface Job {
  id: string;
  status: "pending" | "in_progress" | "completed" | "failed";
  progress: number;
  message: string;
  operation: string;
  resourceId: string | null;
  resourceName: string;
  error: string | null;
  errorCode: string | null;
}

/** What must be known to go on after a restart. It is written down before the step that needs it. */
interface State {
  wish: Wish;
  idempotencyKey: string;
  creates?: string[];
  deletes?: string[];
}

type Envelope<T> =
  | { success: true; data: T }
  | { success: false; error: string; message: string };

interface Answer<T> {
  data: T;
  /** What `Retry-After` asks for; 0 where it is absent. */
  retryAfterSeconds: number;
}

/** The server has understood and will not do it. Asking again is no use. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** One request. It is repeated while the server is away (503), wants a rest (429) or does not answer. */
async function call<T>(
  method: "POST" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let pause = 0.5; ; pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS)) {
    const problem = await attempt<T>(method, path, body, headers);
    if ("data" in problem) return problem;
    if (Date.now() > deadline) throw new Error(`${API} does not answer: ${problem.reason}`);
    await sleep(1000 * Math.max(pause, problem.retryAfterSeconds));
  }
}

async function attempt<T>(
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer<T> | { reason: string; retryAfterSeconds: number }> {
  let status: number;
  let retryAfterSeconds = 0;
  let envelope: Envelope<T>;
  try {
    const response = await fetch(API + path, {
      method,
      headers: { "X-API-Key": KEY, "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    status = response.status;
    retryAfterSeconds = Number(response.headers.get("Retry-After") ?? "0") || 0;
    envelope = (await response.json()) as Envelope<T>;
  } catch (cause) {
    return { reason: String(cause), retryAfterSeconds };
  }
  if (envelope.success) return { data: envelope.data, retryAfterSeconds };
  if (status === 429 || status === 503) return { reason: envelope.message, retryAfterSeconds };
  throw new Refusal(status, envelope.error, envelope.message);
}

/** Polls until every job has ended, up to 50 in one request, ever more slowly while nothing moves. */
async function untilEnded(ids: string[], firstPauseSeconds: number): Promise<Job[]> {
  const ended = new Map<string, Job>();
  let pause = Math.max(POLL_SECONDS, firstPauseSeconds);
  let seen = "";
  for (let open = ids; open.length > 0; open = ids.filter((id) => !ended.has(id))) {
    await sleep(1000 * pause);
    const jobs: Job[] = [];
    let retryAfterSeconds = 0;
    for (let at = 0; at < open.length; at += BATCH) {
      const jobIds = open.slice(at, at + BATCH);
      const answer = await call<{ jobs: Job[] }>("POST", "/jobs", { jobIds });
      if (answer.data.jobs.length < jobIds.length) {
        throw new Error("The server knows some of these jobs no longer; a job is kept for 24 hours");
      }
      jobs.push(...answer.data.jobs);
      retryAfterSeconds = Math.max(retryAfterSeconds, answer.retryAfterSeconds);
    }
    for (const job of jobs) {
      console.error(`${job.operation} ${job.resourceName}  ${job.progress} %  ${job.message}`);
      if (job.status === "completed" || job.status === "failed") ended.set(job.id, job);
    }
    const now = JSON.stringify(jobs.map((job) => [job.id, job.status, job.progress]));
    pause = now === seen ? Math.min(1.5 * pause, LONGEST_PAUSE_SECONDS) : POLL_SECONDS;
    pause = Math.max(pause, retryAfterSeconds);
    seen = now;
  }
  return ids.flatMap((id) => ended.get(id) ?? []);
}

/** Writes beside the file and renames, so that it is whole whenever the program is killed. */
function write(state: State): void {
  writeFileSync(`${STATE_FILE}.new`, JSON.stringify(state));
  renameSync(`${STATE_FILE}.new`, STATE_FILE);
}

function begin(): State {
  const state: State = {
    wish: {
      name: process.argv[2] ?? "web",
      datacenterId: process.env["DATA_CENTER_ID"] ?? "6f1c0e5e-0000-4000-8000-000000000001",
      imageId: 12,
      configurationId: 45,
      numberOfInstances: Number(process.argv[3] ?? "1"),
    },
    idempotencyKey: randomUUID(),
  };
  write(state);
  return state;
}

/** Submits; with the same key a repeat has the same jobs, also where the first answer was lost. */
async function create(state: State): Promise<[string[], number]> {
  if (state.creates) return [state.creates, 0];
  const headers = { "Idempotency-Key": state.idempotencyKey };
  const answer = await call<Job[]>("POST", "/virtual-machines", state.wish, headers);
  state.creates = answer.data.map((job) => job.id);
  write(state);
  return [state.creates, answer.retryAfterSeconds];
}

/** Deletes. A repeat has the same job while it runs; what is gone already is answered 404. */
async function remove(state: State, machines: string[]): Promise<[string[], number]> {
  if (state.deletes) return [state.deletes, 0];
  const deletes: string[] = [];
  let pause = 0;
  for (const machine of machines) {
    try {
      const answer = await call<Job>("DELETE", `/virtual-machines/${machine}`);
      deletes.push(answer.data.id);
      pause = Math.max(pause, answer.retryAfterSeconds);
    } catch (problem) {
      if (!(problem instanceof Refusal && problem.status === 404)) throw problem;
    }
  }
  state.deletes = deletes;
  write(state);
  return [deletes, pause];
}

/** Says on stderr which jobs failed, and why; returns how many. What failed has left nothing behind. */
function report(jobs: Job[]): number {
  const failed = jobs.filter((job) => job.status === "failed");
  for (const job of failed) {
    console.error(`${job.operation} ${job.resourceName}: ${job.errorCode}: ${job.error}`);
  }
  return failed.length;
}

async function main(): Promise<number> {
  if (KEY === "") throw new Error("Set CLOUDLET_API_KEY to your key, gpcn_…");
  const state = existsSync(STATE_FILE)
    ? (JSON.parse(readFileSync(STATE_FILE, "utf8")) as State)
    : begin();

  const created = await untilEnded(...(await create(state)));
  let failed = report(created);
  const machines = created.flatMap((job) => job.resourceId ?? []);
  for (const job of created) {
    if (job.resourceId !== null) console.log(`${job.resourceName}  ${job.resourceId}`);
  }

  // Here the machines would do their work.

  const deleted = await untilEnded(...(await remove(state, machines)));
  failed += report(deleted);
  rmSync(STATE_FILE);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (problem) {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exitCode = 1;
}
