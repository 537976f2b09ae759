import { systemClock } from '../../runtime/system-clock.ts';
import type { ClusterEvent } from './cluster.ts';
import { type Failover, FAULTS, type FaultKind } from './faults.ts';
import type { Exit } from './member-process.ts';
import { formatDuration } from '../duration.ts';
import type { Report } from '../supervision.ts';

/** What happened, one line each: the demo's plain output and the lower half of its board. */
export class Story {
  readonly #began = systemClock.monotonicMs();
  readonly #onLine: (line: string) => void;
  readonly #stillnessMs: number;
  readonly #told = new Map<string, string>();

  /** @param stillnessMs Shorter standstills, as of a busy machine, are not worth a line. */
  constructor(onLine: (line: string) => void, stillnessMs: number) {
    this.#onLine = onLine;
    this.#stillnessMs = stillnessMs;
  }

  tell(text: string, mono: number = systemClock.monotonicMs()): void {
    const seconds = ((mono - this.#began) / 1000).toFixed(3);
    this.#onLine(`${`+${seconds}`.padStart(9)}s  ${text}`);
  }

  tellFault(kind: FaultKind, member: string): void {
    this.tell(`──▶ ${member}, the leader: ${FAULTS[kind]}`);
  }

  tellFailover({ kind, to, tookMs, leaseLeftMs, lateMs }: Failover): void {
    const rest =
      kind === 'handover'
        ? `${formatDuration(leaseLeftMs)} of the lease were not waited for`
        : `${formatDuration(leaseLeftMs)} of them were left of the lease, ${formatDuration(lateMs)} beyond`;
    this.tell(`    ${shortName(to)} took over in ${formatDuration(tookMs)}: ${rest}`);
  }

  tellEvent(event: ClusterEvent): void {
    const { name } = event.member;
    if ('exit' in event) this.tell(`${name} ${ending(event.exit)}`, event.exit.mono);
    else this.#tellReport(name, event.report);
  }

  #tellReport(name: string, report: Report): void {
    switch (report.type) {
      case 'ready':
        return this.tell(`${name} is up (pid ${report.status.pid})`, report.mono);
      case 'woke': {
        if (report.gapMs < this.#stillnessMs) return;
        const answer = `isLeader = ${report.isLeader}`;
        const still = formatDuration(report.gapMs);
        return this.tell(`${name} woke after ${still}; its first tick: ${answer}`, report.mono);
      }
      case 'configuration': {
        const { outcome, generation, problem, mono } = report;
        const told =
          outcome === 'applied'
            ? `has configuration ${String(generation)}`
            : `refuses the configuration: ${String(problem)}`;
        return this.tell(`${name} ${told}`, mono);
      }
      case 'event': {
        const { type, token, term, cause, leader } = report.event;
        if (type === 'becameLeader')
          return this.tell(`${name} leads: term ${term}, token ${token}`, report.mono);
        if (type === 'lostLeadership')
          return this.tell(`${name} leads no more: ${cause} (term ${term})`, report.mono);
        if (type === 'newLeaderObserved' && this.#told.get(name) !== token) {
          this.#told.set(name, token ?? '');
          this.tell(`${name} follows ${shortName(leader ?? '')}`, report.mono);
        }
        break;
      }
      case 'status':
    }
  }
}

function ending({ code, signal }: Exit): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === 0 ? 'ended in order' : `ended with exit code ${code}`;
}

/** A holder id without its random part. */
export function shortName(holder: string): string {
  return holder.replace(/-[0-9a-z]+$/, '');
}
