import { statSync, type Stats } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { newClaim } from './durable-claim.ts';
import type { Parcel } from './durable-backlog.ts';
import { movedAway } from './durable-path.ts';
import { journalErrorOf, isIoError, toWire } from './sqlite-errors.ts';
import type { Reply, Request, WorkerOptions } from './sqlite-protocol.ts';
import { headOf, pageOf, summariesOf } from './sqlite-read.ts';
import { retain, trimStream, usedBytes } from './sqlite-retention.ts';
import { openForWriting } from './sqlite-schema.ts';
import { appendParcel, claimStream, releaseStream } from './sqlite-write.ts';

/**
 * The thread that waits for the disk, so that the thread that renews leases never does. It takes all requests that
 * have arrived, writes the parcels among them in one transaction, and answers each when that is on disk.
 */

const { path, runtime, retention } = workerData as WorkerOptions;
const port = parentPort;
if (port === null)
  throw new Error('sqlite-journal-worker.ts is the inside of sqliteJournal(); it runs as its worker.');

/** How often it is looked whether records have become too old. Whether they are too many is looked at each commit. */
const AGE_CHECK_EVERY_MS = 10 * 60 * 1000;

const { mark: own } = newClaim('');
let db: DatabaseSync | null = null;
/** Which file it is, whatever its name comes to mean. */
let identity: Stats | null = null;
let agesCheckedAt = -Infinity;

port.on('message', (first: Request) => {
  const requests = [first];
  for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port)) {
    requests.push(more.message as Request);
  }
  let appends: AppendRequest[] = [];
  for (const request of requests) {
    if (request.op === 'append') appends.push(request);
    else {
      commit(appends);
      appends = [];
      answer(request);
    }
  }
  commit(appends);
});

type AppendRequest = Extract<Request, { op: 'append' }>;

function reply(message: Reply): void {
  port?.postMessage(message);
}

function answer(request: Exclude<Request, AppendRequest>): void {
  try {
    reply({ id: request.id, answer: perform(request) });
  } catch (error) {
    refuse(request.id, error);
  }
}

function refuse(id: number, error: unknown): void {
  reply({ id, error: toWire(journalErrorOf(error, path)) });
  if (!isIoError(error)) return;
  // A failed sync may have lost what the connection believes to be written. A new one reads what is there.
  disconnect();
}

function perform(request: Exclude<Request, AppendRequest>): unknown {
  switch (request.op) {
    case 'claim':
      return inTransaction((open) => claimStream(open, request.stream, request.claim, notify));
    case 'release':
      return inTransaction((open) => releaseStream(open, request.stream, request.claimId)) ?? null;
    case 'trim':
      return inTransaction((open) => trimStream(open, request.stream, request.seq)) ?? null;
    case 'head':
      return headOf(connect(), request.stream);
    case 'streams':
      return summariesOf(connect(), path);
    case 'page':
      return pageOf(connect(), path, request.stream, request.from, request.to);
    case 'close':
      disconnect();
      port?.close();
      return null;
  }
}

/** One transaction for all parcels. A stream that is refused does not take the others with it. */
function commit(appends: readonly AppendRequest[]): void {
  if (appends.length === 0) return;
  const refused = new Map<number, unknown>();
  try {
    connect();
    refuseMoved();
    inTransaction((open) => {
      for (const { id, stream, claimId, parcel } of appends) {
        open.exec('SAVEPOINT parcel');
        try {
          appendParcel(open, stream, claimId, JSON.parse(parcel) as Parcel);
        } catch (error) {
          // The transaction may be gone altogether, as when the disk is full.
          if (!open.isTransaction) throw error;
          open.exec('ROLLBACK TO parcel');
          refused.set(id, error);
        }
        open.exec('RELEASE parcel');
      }
    });
  } catch (error) {
    for (const { id } of appends) refuse(id, error);
    return;
  }
  for (const { id } of appends) {
    if (refused.has(id)) refuse(id, refused.get(id));
    else reply({ id, answer: null });
  }
  dropOld(appends.at(-1)?.wall ?? 0);
}

/** After the answers are out, so that nobody waits for it. What fails here is tried again later. */
function dropOld(wall: number): void {
  try {
    // A wall clock that was set back is no reason to wait.
    const agesDue = Math.abs(wall - agesCheckedAt) >= AGE_CHECK_EVERY_MS;
    if (!agesDue && usedBytes(connect()) <= retention.bytesMax) return;
    const more = inTransaction((open) => retain(open, { retention, wall, own, notify }));
    if (!more) agesCheckedAt = wall;
  } catch (error) {
    if (isIoError(error)) disconnect();
  }
}

function notify(notice: Extract<Reply, { notice: unknown }>['notice']): void {
  reply({ notice });
}

function inTransaction<T>(work: (open: DatabaseSync) => T): T {
  const open = connect();
  open.exec('BEGIN IMMEDIATE');
  try {
    const result = work(open);
    open.exec('COMMIT');
    return result;
  } catch (error) {
    if (open.isTransaction) open.exec('ROLLBACK');
    throw error;
  }
}

function connect(): DatabaseSync {
  if (db === null) {
    db = openForWriting(path, runtime);
    identity = statSync(path);
  }
  return db;
}

/** A file that was removed or replaced while it was open takes records that nobody will ever find. */
function refuseMoved(): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.ino !== identity?.ino || found?.dev !== identity?.dev) throw movedAway(path);
}

function disconnect(): void {
  try {
    db?.close();
  } finally {
    db = null;
  }
}
