import { UsageError } from '../../errors.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { Cluster, Leading } from './cluster.ts';
import { costOf, type Failover, type FaultKind, leaseEndOf } from './faults.ts';
import type { MemberProcess } from './member-process.ts';

/**
 * What somebody who watches may do to a member, one at a time, and what it cost if that member led. Nothing is put
 * back in order by itself: a member that was killed stays so until it is started again.
 */

export const ACTS = ['kill', 'freeze', 'resume', 'stop', 'start'] as const;
export type Act = (typeof ACTS)[number];

export interface ControlsOptions {
  readonly onAct: (act: Act, member: string, leads: boolean) => void;
  /** `undisturbed`: another member was there to take over, and nothing else was done meanwhile. */
  readonly onFailover: (failover: Failover, undisturbed: boolean) => void;
}

const FAULT_OF: Readonly<Partial<Record<Act, FaultKind>>> = {
  kill: 'kill',
  freeze: 'freeze',
  stop: 'handover',
};
/** Somebody may have stopped everybody: a successor comes when they start one again. */
const PATIENCE_MS = 24 * 3_600_000;
/** A freeze in the middle of a write to the store keeps everybody out, and is undone. */
const FREEZES_MAX = 20;

export class Controls {
  readonly #cluster: Cluster;
  readonly #options: ControlsOptions;
  #acts = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(cluster: Cluster, options: ControlsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** What can be done to a member as it is now. */
  static possible(member: MemberProcess): readonly Act[] {
    if (member.exit !== null) return ['start'];
    if (member.frozen) return ['resume', 'kill'];
    return ['kill', 'freeze', 'stop'];
  }

  /**
   * Does it, when what was asked for before has been done.
   *
   * @throws UsageError `SETTINGS_INVALID` if there is no such member, or it is not in a state for that
   */
  act(name: string, act: Act): Promise<void> {
    const done = this.#last.then(() => this.#act(name, act));
    this.#last = done.catch(() => {});
    return done;
  }

  async #act(name: string, act: Act): Promise<void> {
    const member = this.#cluster.members.find((each) => each.name === name);
    const names = this.#cluster.members.map((each) => each.name).join(', ');
    if (member === undefined)
      throw new UsageError(
        'SETTINGS_INVALID',
        `There is no member ${JSON.stringify(name)}; there are ${names}.`,
      );
    const possible = Controls.possible(member);
    if (!possible.includes(act))
      throw new UsageError(
        'SETTINGS_INVALID',
        `${name} cannot ${act} now; it can ${possible.join(', ')}: its state has changed meanwhile.`,
      );
    this.#acts += 1;
    const { leading } = this.#cluster;
    const leads = leading?.member === member && !member.frozen;
    this.#options.onAct(act, name, leads);
    const lease = act === 'stop' && leads ? await this.#cluster.lease() : null;
    const at = systemClock.monotonicMs();
    if (act === 'freeze') await this.#freeze(member);
    else this.#do(member, act);
    const kind = FAULT_OF[act];
    if (leads && kind !== undefined) void this.#follow(kind, leading, at, lease?.remainingMs ?? null);
  }

  #do(member: MemberProcess, act: Exclude<Act, 'freeze'>): void {
    if (act === 'kill') member.kill();
    else if (act === 'stop') member.terminate();
    else if (act === 'resume') member.thaw();
    else this.#cluster.run(member.name);
  }

  async #freeze(member: MemberProcess): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      member.freeze();
      if (attempt >= FREEZES_MAX || (await this.#cluster.isWritable())) return;
      member.thaw();
    }
  }

  async #follow(kind: FaultKind, leading: Leading, at: number, leftMs: number | null): Promise<void> {
    const acts = this.#acts;
    const others = this.#cluster.members.some(
      (each) => each !== leading.member && each.exit === null && !each.frozen && each.status !== null,
    );
    try {
      const leaseLeftMs = leftMs ?? ((await leaseEndOf(this.#cluster, leading)) ?? at) - at;
      const next = await this.#cluster.successorOf(leading, PATIENCE_MS);
      this.#options.onFailover(
        costOf(kind, leading, next, { at, leaseLeftMs }),
        others && acts === this.#acts,
      );
    } catch {
      // The members are being stopped, or one failed: the demo itself says so.
    }
  }
}
