import { Subject } from 'rxjs';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { AUDIT_MAX, type HeadHint, type HeadStore } from './head-store.ts';

/** A head shared by members of one process: for tests and simulations. */
export interface MemoryHead extends HeadStore {
  /** Loses all data, as a restart without them does. */
  loseData(): void;
}

/**
 * A head store in this process's memory.
 *
 * @example
 * const store = memoryHead({ namespace: 'billing' });
 */
export function memoryHead({
  namespace = 'default',
  clock = systemClock,
}: { readonly namespace?: string; readonly clock?: Clock } = {}): MemoryHead {
  const hints = new Subject<HeadHint>();
  const contents = new Map<string, string>();
  const reports = new Map<string, { readonly text: string; readonly until: number }>();
  let head: string | null = null;
  let history: string | null = null;
  let audit: readonly string[] = [];
  return {
    namespace,
    head: async () => head,
    history: async () => history,
    async swap(change) {
      if (change.before !== head) return false;
      head = change.head;
      history = change.history;
      audit = [change.audit, ...audit].slice(0, AUDIT_MAX);
      for (const sha of change.drop) contents.delete(sha);
      if (change.content !== null) contents.set(change.content.sha, change.content.text);
      hints.next('moved');
      return true;
    },
    content: async (sha) => contents.get(sha) ?? null,
    async keep(sha, text) {
      if (!contents.has(sha)) contents.set(sha, text);
    },
    report: async (member, text, forMs) =>
      void reports.set(member, { text, until: clock.monotonicMs() + forMs }),
    async reports() {
      for (const [member, { until }] of reports) if (until <= clock.monotonicMs()) reports.delete(member);
      return [...reports.values()].map(({ text }) => text);
    },
    audit: async () => audit,
    call: async () => hints.next('called'),
    watch: () => hints.asObservable(),
    describe: () => ({ kind: 'memory', location: 'memory' }),
    loseData() {
      head = history = null;
      audit = [];
      contents.clear();
      reports.clear();
    },
    close: async () => hints.complete(),
    [Symbol.asyncDispose]: async () => hints.complete(),
  };
}
