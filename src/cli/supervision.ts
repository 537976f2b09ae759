import { flushCompileCache } from 'node:module';
import type { ConfigEvent } from '../config/reload-events.ts';
import type { ElectionEvent } from '../election/events.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { MemberStatus } from './member-status.ts';
import type { Member } from './member.ts';
import { WakeProbe, type Waking } from './wake-probe.ts';

/**
 * A member that runs below another program (`conclave demo`): it reports over the channel that `child_process.fork`
 * opens, and stops when that closes, so that it never outlives the program that started it.
 */

export interface WakeReport extends Waking {
  /** What the election answered in the first tick. */
  readonly isLeader: boolean;
}

/** What a supervised member sends, as plain JSON; bigints as decimal strings. `mono` as in the journal. */
export type Report =
  | { readonly type: 'ready'; readonly mono: number; readonly status: MemberStatus }
  | { readonly type: 'status'; readonly mono: number; readonly status: MemberStatus }
  | { readonly type: 'event'; readonly mono: number; readonly event: ReportedEvent }
  | ConfigurationReport
  | ({ readonly type: 'woke' } & WakeReport);

/** What became of a configuration: in force here, or refused and why. */
export interface ConfigurationReport {
  readonly type: 'configuration';
  readonly mono: number;
  readonly outcome: 'applied' | 'refused';
  readonly generation: number | null;
  /** Place and first problem; null if it is in force. */
  readonly problem: string | null;
}

/** An event of the election, its bigints as decimal strings. */
export type ReportedEvent = {
  readonly type: ElectionEvent['type'];
  readonly token?: string | null;
  readonly term?: number;
  readonly leader?: string | null;
  readonly cause?: string;
};

export class Supervision implements Disposable {
  readonly #probe: WakeProbe;
  #member: Member | null = null;

  /** @param onOrphaned Called when the program that started this process is gone. */
  constructor(onOrphaned: () => void) {
    this.#probe = new WakeProbe((waking) => {
      const isLeader = this.#member?.election.isLeader;
      if (isLeader !== undefined) send({ type: 'woke', ...waking, isLeader });
    });
    process.once('disconnect', onOrphaned);
    // A send to a program that has just gone fails with an event of its own, which says no more than `disconnect`.
    process.on('error', () => {});
    if (!process.connected) onOrphaned();
  }

  /** The clock the member must use, so that nothing of it runs unnoticed after a standstill. */
  get clock() {
    return this.#probe.clock;
  }

  /** Reports on `member` from now on; call it before the member starts. */
  watch(member: Member): void {
    this.#member = member;
    member.election.events$.subscribe((event) => {
      send({ type: 'event', mono: systemClock.monotonicMs(), event: plain(event) });
    });
    member.election.state$.subscribe(() => this.#report('status'));
    for (const { handle } of member.reloads) {
      handle.state$.subscribe(() => this.#report('status'));
      handle.events$.subscribe((event) => {
        const told = configurationReport(event);
        if (told !== null) send(told);
      });
    }
  }

  ready(): void {
    // The next incarnation starts faster, even if this one is killed.
    flushCompileCache();
    this.#report('ready');
  }

  [Symbol.dispose](): void {
    this.#probe[Symbol.dispose]();
    if (process.connected) process.disconnect();
  }

  #report(type: 'ready' | 'status'): void {
    if (this.#member !== null) send({ type, mono: systemClock.monotonicMs(), status: this.#member.status() });
  }
}

function configurationReport(event: ConfigEvent): ConfigurationReport | null {
  const mono = systemClock.monotonicMs();
  const told = { type: 'configuration', mono } as const;
  if (event.type === 'applied' || event.type === 'adopted' || event.type === 'unchanged')
    return { ...told, outcome: 'applied', generation: event.generation, problem: null };
  if (event.type !== 'rejected' && event.type !== 'notProposed') return null;
  const [first] = event.diagnostics;
  const { message = 'it could not be read', line = null, column = null } = first ?? {};
  const problem = line === null ? message : `line ${line}, column ${column ?? 1}: ${message}`;
  return { ...told, outcome: 'refused', generation: null, problem };
}

function plain(event: ElectionEvent): ReportedEvent {
  if (!('token' in event)) return event;
  return { ...event, token: event.token === null ? null : String(event.token) };
}

function send(report: Report): void {
  if (process.connected) process.send?.(report, undefined, undefined, () => {});
}
