import { Subject } from 'rxjs';
import { StoreUnavailableError } from '../errors.ts';
import type { Decision, StoreMoment } from '../lease/lease-protocol.ts';
import { recordsEqual, viewOf, type LeaseRecord } from '../lease/lease-record.ts';
import { signalBetween } from '../lease/lease-signal.ts';
import type { AcquireRequest, LeaseSignal, LeaseStoreDescription } from '../lease/lease-store.ts';
import type { NodeClock } from '../runtime/virtual-clock.ts';
import type { Random } from './random.ts';
import type {
  StoreCall,
  StoreFault,
  StoreKind,
  StoreLimit,
  StoreModel,
  StoreModelOptions,
  StoreReply,
} from './simulated-store.ts';

/**
 * A file of leases on one host, as leases see it: one transaction decides, by the host's monotonic clock. The file may
 * be deleted, replaced by an older copy, locked or full; the host may boot anew, and members may live in time
 * namespaces of their own, so that they cannot read each other's times.
 */
export interface SqliteModelOptions extends StoreModelOptions {
  /** Default drawn. */
  readonly freshStore?: 'wait' | 'trust';
  /**
   * Whether each member reads a clock of its own. Default false: a lease then ends only by watching it unchanged, so
   * that a member which wins again and again without hearing of it starves the others, and no bound holds.
   */
  readonly apart?: boolean;
}

interface Row {
  readonly record: LeaseRecord;
  /** Which clock its times are of. */
  readonly domain: string;
}

interface File {
  readonly incarnation: string;
  readonly rows: Map<string, Row>;
}

const RATE_PPM = 5000;
const LEASES_MAX = 4;

export class SqliteModel implements StoreModel {
  readonly faults: Readonly<Record<string, StoreFault>>;
  readonly signals = new Subject<LeaseSignal>();
  readonly description: LeaseStoreDescription = DESCRIPTION;
  frozenUntilMs = 0;
  readonly #options: SqliteModelOptions;
  readonly #freshStore: 'wait' | 'trust';
  readonly #apart: boolean;
  readonly #clock: NodeClock;
  readonly #blocked = new Map<Blockage, number>();
  /** What each incarnation of a member has had open, and whether it has seen that replaced. */
  readonly #sessions = new Map<string, { incarnation: string; replaced: boolean }>();
  readonly #resources = new Set<string>();
  #file: File | null = null;
  #backup: File | null = null;
  #files = 0;
  #boots = 1;
  /** True time until which somebody may believe in a lease that a deleted file held. */
  #lostUntilMs = 0;
  #limitUntilMs = 0;
  #limitToken = 0n;

  constructor(options: SqliteModelOptions) {
    this.#options = options;
    const { clock, random } = options;
    this.#freshStore = options.freshStore ?? random.fork('fresh').pick(['wait', 'trust'] as const);
    this.#apart = options.apart ?? false;
    const driftPpm = random.fork('drift').between(-RATE_PPM, RATE_PPM);
    this.#clock = clock.node({ driftPpm, monotonicMs: random.fork('uptime').exponential(86_400_000) });
    this.faults = this.#makeFaults();
  }

  get limit(): StoreLimit {
    return { untilMs: this.#limitUntilMs, token: this.#limitToken };
  }

  execute(call: StoreCall, from: string): StoreReply {
    const { resource } = call.request;
    this.#resources.add(resource);
    this.#assertOpen(call.kind);
    const domain = `boot-${this.#boots}${this.#apart ? `/${from}` : ''}`;
    const now = this.#clock.monotonicMs();
    if (call.kind === 'read') {
      const row = this.#file?.rows.get(resource);
      return row === undefined ? null : viewOf(resource, inTimesOf(row, domain, now), now);
    }
    this.#file ??= this.#made();
    const file = this.#file;
    const row = file.rows.get(resource);
    const before = row === undefined ? null : inTimesOf(row, domain, now);
    const moment = this.#moment(file, call.request.id, now);
    const { reply, record } = this.#decide(call, before, moment);
    this.#assertRoom(before, record);
    if (record !== null && !recordsEqual(before, record)) file.rows.set(resource, { record, domain });
    const news = signalBetween(resource, before, record, now);
    if (news !== null) this.signals.next(news);
    return reply;
  }

  heal(): void {
    this.frozenUntilMs = 0;
    this.#blocked.clear();
    this.#tellGap();
  }

  #decide(
    call: Exclude<StoreCall, { kind: 'read' }>,
    before: LeaseRecord | null,
    moment: StoreMoment,
  ): Decision<StoreReply> {
    const { protocol, sometimes } = this.#options;
    switch (call.kind) {
      case 'acquire': {
        const decision = protocol.acquire(before, call.request, moment);
        sometimes(decision.reply.kind);
        if (decision.reply.kind === 'won') {
          this.#judge(before, call.request, moment);
          // Of two that believe, one has the smaller token, and its writes are refused.
          if (this.#options.clock.nowMs < this.#limitUntilMs) this.#limitToken = decision.reply.token;
        }
        return decision;
      }
      case 'renew': {
        const decision = protocol.renew(before, call.request, moment);
        const { reply } = decision;
        sometimes(reply.kind === 'renewed' && reply.restored ? 'restored' : reply.kind);
        return decision;
      }
      case 'release':
        return protocol.release(before, call.request, moment);
    }
  }

  /** Who has seen nothing yet takes a new file for a first start, if told to: the limit of `trust`. */
  #judge(before: LeaseRecord | null, ask: AcquireRequest, { freshStore }: StoreMoment): void {
    if (before !== null || ask.seen > 0n || freshStore !== 'trust') return;
    if (this.#options.clock.nowMs >= this.#lostUntilMs) return;
    this.#options.sometimes('trusted-a-lost-file');
    this.#limitUntilMs = Math.max(this.#limitUntilMs, this.#lostUntilMs);
  }

  #moment({ incarnation }: File, id: string, now: number): StoreMoment {
    const session = this.#sessions.get(id) ?? { incarnation, replaced: false };
    if (session.incarnation !== incarnation) session.replaced = true;
    session.incarnation = incarnation;
    this.#sessions.set(id, session);
    const freshStore = session.replaced ? 'wait' : this.#freshStore;
    const tokenFloor = BigInt(Math.floor(this.#options.clock.wallMs()));
    return { now, incarnation, settleMs: 0, tokenFloor, freshStore };
  }

  #made(): File {
    this.#files += 1;
    return { incarnation: `file-${this.#files}`, rows: new Map() };
  }

  /** @throws what the shipped store says of a file it cannot get at */
  #assertOpen(kind: StoreCall['kind']): void {
    const blocked = (by: Blockage) => (this.#blocked.get(by) ?? 0) > this.#options.clock.nowMs;
    if (blocked('locked') && kind !== 'read') {
      this.#options.sometimes('answered-locked');
      throw unavailable('Another process keeps the file locked', false);
    }
    if (blocked('unwritable') && kind !== 'read') {
      this.#options.sometimes('answered-unwritable');
      throw unavailable('The file cannot be written', false);
    }
  }

  /** @throws what the shipped store says when the disk takes no more */
  #assertRoom(before: LeaseRecord | null, record: LeaseRecord | null): void {
    if (record === null || recordsEqual(before, record)) return;
    if ((this.#blocked.get('full') ?? 0) <= this.#options.clock.nowMs) return;
    this.#options.sometimes('answered-full');
    throw unavailable('The disk is full', true);
  }

  #makeFaults(): Readonly<Record<string, StoreFault>> {
    const { clock, leaseMs, sometimes } = this.#options;
    const untilMs = (draw: Random, leases: number) =>
      clock.nowMs + Math.min(draw.exponential(leases * leaseMs), LEASES_MAX * leaseMs);
    const blocking =
      (by: Blockage): StoreFault =>
      (draw) =>
        this.#blocked.set(by, untilMs(draw, 0.5));
    return {
      'lock-file': blocking('locked'),
      'fill-disk': blocking('full'),
      'make-unwritable': blocking('unwritable'),
      'slow-disk': (draw) => {
        this.frozenUntilMs = Math.max(this.frozenUntilMs, untilMs(draw, 0.3));
        sometimes('disk-slow');
      },
      'delete-file': () => this.#replace(null, 'file-deleted'),
      'back-up-file': () => {
        this.#backup = this.#file && { ...this.#file, rows: new Map(this.#file.rows) };
      },
      'restore-file': () => {
        // A copy is another file, whatever it holds.
        const copy = this.#backup && { ...this.#made(), rows: new Map(this.#backup.rows) };
        if (copy !== null) this.#replace(copy, 'file-restored');
      },
      'boot-host': () => {
        this.#boots += 1;
        sometimes('host-booted');
      },
    };
  }

  #replace(file: File | null, what: string): void {
    if (this.#file === null) return;
    const longestMs = Math.max(0, ...this.#file.rows.values().map(({ record }) => record.longestMs));
    // Longest lease, and then some for what was decided but not heard of.
    this.#lostUntilMs = this.#options.clock.nowMs + longestMs * 1.01;
    this.#file = file;
    this.#options.sometimes(what);
    this.#tellGap();
  }

  #tellGap(): void {
    for (const resource of this.#resources) this.signals.next({ kind: 'gap', resource });
  }
}

const DESCRIPTION = {
  kind: 'sqlite',
  location: 'simulated',
  scope: 'host',
  push: true,
  caveats: [],
} as const;

type Blockage = 'locked' | 'full' | 'unwritable';

function unavailable(message: string, outcomeUnknown: boolean): StoreUnavailableError {
  return new StoreUnavailableError('STORE_UNAVAILABLE', `${message}.`, { outcomeUnknown });
}

/** Of another clock's times nothing is known: what they tell of counts as if it began this very moment. */
function inTimesOf({ record, domain }: Row, reader: string, now: number): LeaseRecord {
  if (domain === reader) return record;
  const { loss, leaseMs } = record;
  return { ...record, expiresAt: now + leaseMs, loss: loss && { ...loss, at: now } };
}

export const sqliteStore: StoreKind = {
  name: 'sqlite',
  create: (options) => new SqliteModel(options),
  mustReach: (
    'won held quarantined stale renewed restored denied answered-locked answered-full answered-unwritable disk-slow ' +
    'file-deleted file-restored host-booted'
  ).split(' '),
};
