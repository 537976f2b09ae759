import type { ConfigReloadContext } from '../../machines/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HeadCalls } from './head-calls.ts';
import type { HeadRecord, InForce, MemberReport, Refusal } from './head.ts';
import type { ConfigEvent } from './reload-events.ts';

/** A member that has said nothing for this long is not counted any more, in milliseconds. */
export const REPORT_FOR_MS = 60_000;
/** A standing report is repeated after this, in milliseconds. */
export const REPORT_AGAIN_MS = 20_000;

/**
 * Tells the store how this member stands: received, validated, applied, rejected with the diagnostics. One report is on
 * its way at a time, and then the latest; one that is lost is repeated.
 */
export class HeadReporter {
  readonly #calls: HeadCalls;
  readonly #clock: Clock;
  readonly #member: string;
  #standing: MemberReport | null = null;
  #applied: InForce | null = null;
  #desired: HeadRecord | null = null;
  #sentAt = -Infinity;
  #said = 0;
  #refusal: Refusal | null = null;
  #ownFile: string | null = null;
  #sending = false;

  constructor(calls: HeadCalls, clock: Clock, member: string) {
    this.#calls = calls;
    this.#clock = clock;
    this.#member = member;
  }

  /** What is in force here, with the term it came with. */
  get applied(): InForce | null {
    return this.#applied;
  }

  received(head: HeadRecord): void {
    this.#desired = head;
    this.#say({ state: 'received', generation: head.generation, sha: head.sha });
  }

  /** What the chart tells. */
  hear(event: ConfigEvent, context: ConfigReloadContext): void {
    if (event.type === 'applied' || event.type === 'unchanged' || event.type === 'adopted')
      this.#inForce(event.generation, event.sha);
    else if (event.type === 'rolledBack' && event.sha !== null && event.generation !== null)
      this.#inForce(event.generation, event.sha);
    else if (event.type === 'waitingForFile' && event.sha !== null && event.generation !== null)
      this.#say({ state: 'waitingForFile', generation: event.generation, sha: event.sha });
    else if (event.type === 'rejected') {
      const { sha, generation, diagnostics } = event;
      const about = { generation: generation ?? context.desired?.generation ?? 0, sha: sha ?? '' };
      this.#say({ state: 'rejected', ...about, diagnostics });
    }
  }

  /** All stages but the application's own are passed. */
  validated({ run }: ConfigReloadContext): void {
    if (run === null || run.sha === null || run.target.generation === null) return;
    const [generation, sha] = [run.target.generation, run.sha];
    if (this.#standing?.generation === generation && this.#standing.state === 'received')
      this.#say({ state: 'validated', generation, sha });
  }

  /** Says again what it said, if the store may have forgotten it. */
  repeat(isDue = this.#clock.monotonicMs() - this.#sentAt >= REPORT_AGAIN_MS): void {
    if (isDue) void this.#send();
  }

  /** Whether, and why, the own file is kept from the others. */
  notProposed(refusal: Refusal | null): void {
    if (this.#refusal === refusal) return;
    this.#refusal = refusal;
    if (this.#standing === null) return;
    this.#standing = { ...this.#standing, notProposed: refusal, said: (this.#said += 1) };
    void this.#send();
  }

  /** What the own file holds, for whom that is no news. */
  holds(ownFile: string | null): void {
    if (this.#ownFile === ownFile) return;
    this.#ownFile = ownFile;
    if (this.#standing === null) return;
    this.#standing = { ...this.#standing, ownFile, said: (this.#said += 1) };
    void this.#send();
  }

  /** Says how it stands because somebody asked. */
  acknowledge(): void {
    if (this.#standing === null) return;
    this.#standing = { ...this.#standing, said: (this.#said += 1) };
    void this.#send();
  }

  dependsOn(dependencies: string | null): void {
    if (this.#standing !== null) this.#standing = { ...this.#standing, dependencies };
  }

  #inForce(generation: number, sha: string): void {
    const desired = this.#desired;
    const isDesired = desired?.generation === generation && desired.sha === sha;
    const term = isDesired ? desired.term : (this.#applied?.term ?? '0');
    this.#applied = { term, generation, sha };
    this.#say({ state: 'applied', generation, sha });
  }

  #say(said: Pick<MemberReport, 'state' | 'generation' | 'sha'> & Partial<MemberReport>): void {
    this.#standing = {
      member: this.#member,
      diagnostics: [],
      dependencies: this.#standing?.dependencies ?? null,
      ...said,
      applied: this.#applied,
      notProposed: this.#refusal,
      ownFile: this.#ownFile,
      at: this.#clock.wallMs(),
      said: (this.#said += 1),
    };
    void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    let sent: MemberReport | null = null;
    try {
      while (this.#standing !== null && sent !== this.#standing) {
        sent = this.#standing;
        await this.#calls.report(sent, REPORT_FOR_MS);
        this.#sentAt = this.#clock.monotonicMs();
      }
    } catch {
      // The head cannot be read either then, which is told. It is said again when it can.
      this.#sentAt = -Infinity;
    } finally {
      this.#sending = false;
    }
  }
}
