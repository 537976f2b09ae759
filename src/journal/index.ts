/** Journals: what a record says, where records go, and what can be asked of them afterwards. */
export { bisect, type Bisection } from './bisect.ts';
export { canonicalJson, digestOf } from './canonical.ts';
export { chainAfter, CheckpointTracker, trimmedRecord, type Checkpoint } from './checkpoint.ts';
export {
  assertRecord,
  draftRecord,
  encodeEntry,
  hashRecord,
  RECORD_BYTES_MAX,
  RecordEncoder,
  recordFromLine,
  recordToLine,
  sealRecord,
  type Draft,
} from './codec.ts';
export { jsonDifferences, type DifferingPart, type JsonDifference } from './comparison.ts';
export { formatDivergence, type Divergence, type Side } from './divergence.ts';
export { JournalFold, type FoldStep } from './fold.ts';
export * from './journal.ts';
export { exportJournal, writeJsonl } from './jsonl-export.ts';
export { jsonlJournal, readJsonlFile } from './jsonl-journal.ts';
export { readJsonl } from './jsonl-read.ts';
export { mergeRecords, type BootClock, type TimedRecord, type Timeline } from './merge.ts';
export { memoryJournal, type MemoryJournal, type MemoryJournalOptions } from './memory-journal.ts';
export { FAULT_EVENT, INIT_EVENT, RESUMED_EVENT, STOP_EVENT, TRIMMED_EVENT } from './own-events.ts';
export { PENDING_TIMERS_MAX, TimerLedger, type PendingTimer } from './pending-timers.ts';
export { judge, replay, replayAll, Replayer, type ReplayOptions, type ReplayResult } from './replay.ts';
export {
  foldStream,
  memorySnapshotCache,
  takeSnapshot,
  type CachedSnapshot,
  type FoldedStream,
  type SnapshotCache,
} from './snapshot-cache.ts';
export { decodeValue, encodeValue, Placeholder, VALUE_DEPTH_MAX, VALUE_PARTS_MAX } from './values.ts';
export { verify, type Dropped, type Finding, type Verification } from './verify.ts';
export { FORK_STEPS_MAX, whatIf, type Change, type Fork, type ForkStep } from './what-if.ts';
