import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { type LeaseRecord, shownBeat } from '../lease/lease-record.ts';
import type { AcquireRequest } from '../lease/lease-store.ts';
import { shippedProtocol, type Protocol } from './simulated-store.ts';

/**
 * Bugs of the store: the protocol with one rule taken out. Each is a decision function around the shipped one, so that
 * what is not taken out stays what is shipped.
 *
 * Two rules are planted nowhere, for each takes one particular schedule to show, which
 * `test/properties/lease-protocol.test.ts` spells out: that the time is part of a loss's name, and that who knows of
 * a loss counts by its own clock.
 */
export interface ProtocolMutant {
  /** Kebab-case. */
  readonly name: string;
  /** Which rule is missing, in one sentence. */
  readonly planted: string;
  readonly protocol: Partial<Protocol>;
}

const { acquire, renew, release } = shippedProtocol;

type Acquire = Protocol['acquire'];
type Renew = Protocol['renew'];
type Release = Protocol['release'];

const acquiring = (name: string, planted: string, mutant: Acquire): ProtocolMutant => ({
  name,
  planted,
  protocol: { acquire: mutant },
});

const renewing = (name: string, planted: string, mutant: Renew): ProtocolMutant => ({
  name,
  planted,
  protocol: { renew: mutant },
});

const releasing = (name: string, planted: string, mutant: Release): ProtocolMutant => ({
  name,
  planted,
  protocol: { release: mutant },
});

/** Decides over another record, or for another asker, than there is. */
const seeing =
  (
    record: (before: LeaseRecord, ask: AcquireRequest, incarnation: string) => LeaseRecord,
    request: (ask: AcquireRequest, before: LeaseRecord | null) => AcquireRequest = (ask) => ask,
  ): Acquire =>
  (before, ask, moment) =>
    acquire(before && record(before, ask, moment.incarnation), request(ask, before), moment);

const asIs = (before: LeaseRecord) => before;

/** Asks as somebody who knows of the standing loss and has waited for ever. */
const withoutQuarantine: Acquire = (before, ask, moment) => {
  const first = acquire(before, ask, moment);
  if (first.reply.kind !== 'quarantined') return first;
  return acquire(first.record, { ...ask, loss: { id: first.reply.lossId, forMs: Infinity } }, moment);
};

const quarantineUnless =
  (exempt: (before: LeaseRecord | null, id: string) => boolean): Acquire =>
  (before, ask, moment) =>
    (exempt(before, ask.id) ? withoutQuarantine : acquire)(before, ask, moment);

/** Grants as shipped, with another token. */
const granting =
  (
    tokenOf: (before: LeaseRecord | null, granted: bigint, floor: bigint, ask: AcquireRequest) => bigint,
  ): Acquire =>
  (before, ask, moment) => {
    const { reply, record } = acquire(before, ask, moment);
    if (reply.kind !== 'won' || record === null) return { reply, record };
    const token = tokenOf(before, reply.token, moment.tokenFloor, ask);
    return { reply: { ...reply, token }, record: { ...record, token } };
  };

const larger = (a: bigint, b: bigint) => (a > b ? a : b);

const losses: readonly ProtocolMutant[] = [
  acquiring('no-quarantine', 'After a loss of data a lease is granted at once.', withoutQuarantine),
  acquiring(
    'former-holder-exempt',
    'Who held the lease before the loss need not wait.',
    quarantineUnless((before, id) => before?.by === id),
  ),
  acquiring(
    'released-exempt',
    'A record that says released is trusted although data were lost.',
    quarantineUnless((before) => before?.holder === null),
  ),
  acquiring(
    'grace-exempt',
    'A record with a grace is trusted although data were lost.',
    quarantineUnless((before) => before?.graceMs !== 0),
  ),
  acquiring(
    'incarnation-ignored',
    'Another identity of the data set is no loss.',
    seeing((before, _, incarnation) => ({ ...before, incarnation })),
  ),
  acquiring(
    'seen-ignored',
    'An asker that has seen a higher token than the store tells of no loss.',
    (before, ask, moment) => acquire(before, { ...ask, seen: 0n }, moment),
  ),
  acquiring('empty-trusted', 'An empty record is no loss.', (before, ask, moment) =>
    acquire(
      before,
      before ? ask : { ...ask, seen: 0n },
      before ? moment : { ...moment, freshStore: 'trust' },
    ),
  ),
  acquiring(
    'own-lease-waited',
    "A quarantine lasts the asker's lease, not the longest.",
    seeing(
      (before, { leaseMs }) => ({ ...before, longestMs: leaseMs }),
      (ask) => ({ ...ask, longestMs: ask.leaseMs }),
    ),
  ),
  acquiring('any-loss-counts', 'What was waited for one loss counts for another.', (before, ask, moment) => {
    const first = acquire(before, ask, moment);
    if (first.reply.kind !== 'quarantined' || !ask.loss) return first;
    return acquire(before, { ...ask, loss: { ...ask.loss, id: first.reply.lossId } }, moment);
  }),
  acquiring(
    'loss-noted-anew',
    'Each asker notes the loss again, so that nobody waits it out.',
    seeing(
      (before) => (before.loss ? { ...before, loss: null, incarnation: 'another' } : before),
      (ask) => ({ ...ask, loss: null }),
    ),
  ),
];

const tokens: readonly ProtocolMutant[] = [
  acquiring(
    'late-acquire-accepted',
    'A packet that comes late makes a lease nobody knows of.',
    (before, ask, moment) => acquire(before && { ...before, attempt: -1 }, ask, moment),
  ),
  acquiring(
    'same-token-again',
    'Who acquires what it holds is given the same token.',
    (before, ask, moment) => {
      const { reply, record } = acquire(before, ask, moment);
      if (reply.kind !== 'won' || before?.holder !== ask.id || !record) return { reply, record };
      return { reply: { ...reply, token: before.token }, record: { ...record, token: before.token } };
    },
  ),
  acquiring(
    'bare-increment',
    'A token is one more than the one in the record.',
    granting((before) => (before?.token ?? 0n) + 1n),
  ),
  acquiring(
    'highest-ignored',
    'A token is above that of the record and the time, not above all that were seen.',
    granting((before, _, floor) => larger((before?.token ?? 0n) + 1n, floor)),
  ),
  acquiring(
    'time-ignored',
    'A token is above all that this record knows of, not above the time.',
    granting(
      (before, _, __, { seen }) => larger(larger(before?.token ?? 0n, before?.highest ?? 0n), seen) + 1n,
    ),
  ),
];

const holders: readonly ProtocolMutant[] = [
  acquiring(
    'watching-ignored',
    'What the asker has watched does not count: a step of the clock decides.',
    seeing(asIs, (ask) => ({ ...ask, observed: null })),
  ),
  acquiring(
    'any-beat-watched',
    'Any renewal counts as the one that was watched.',
    seeing(asIs, (ask, before) => ({
      ...ask,
      observed: ask.observed && { ...ask.observed, beat: before ? shownBeat(before) : 0 },
    })),
  ),
  acquiring(
    'ends-early',
    'A lease ends a tenth early.',
    seeing((before) => ({ ...before, expiresAt: before.expiresAt - before.leaseMs / 10 })),
  ),
  acquiring('grace-after-release', 'The grace is waited after a release, too.', (before, ask, moment) => {
    if (before?.holder !== null || before.by === ask.id || before.expiresAt + before.graceMs < moment.now)
      return acquire(before, ask, moment);
    return acquire({ ...before, holder: before.by }, ask, moment);
  }),
  acquiring(
    'far-clock-believed',
    'What is left of a lease is not capped at the lease.',
    (before, ask, moment) => {
      const { reply, record } = acquire(before, ask, moment);
      if (reply.kind !== 'held' || !record || ask.observed) return { reply, record };
      return { reply: { ...reply, remainingMs: record.expiresAt - moment.now + record.graceMs }, record };
    },
  ),
  acquiring(
    'watched-to-its-end-ignored',
    'Who has watched a lease to its end waits for the clock of the store all the same.',
    seeing(asIs, (ask, before) => ({
      ...ask,
      observed: ask.observed && {
        ...ask.observed,
        forMs: Math.min(ask.observed.forMs, (before?.leaseMs ?? 0) - 1),
      },
    })),
  ),
  acquiring(
    'no-holder-checked',
    'Whoever asks is granted the lease.',
    seeing((before) => ({ ...before, holder: null })),
  ),
];

const renewals: readonly ProtocolMutant[] = [
  renewing('renewed-by-anybody', 'Renewing needs no match of holder and token.', (before, ask, moment) =>
    renew(before && { ...before, holder: ask.id, token: ask.token }, ask, moment),
  ),
  renewing('restored-by-any-token', 'Any token restores a lost record.', (before, ask, moment) => {
    const { reply, record } = renew(
      before?.loss ? { ...before, token: 0n, highest: 0n } : before,
      ask,
      moment,
    );
    return { reply, record: record && before ? { ...record, highest: before.highest } : record };
  }),
  renewing('renewal-ends-quarantine', 'A renewal clears the loss that stands.', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    return { reply, record: record && { ...record, loss: null } };
  }),
  renewing(
    'past-denied',
    'A lease that is past is not renewed, although nobody took it.',
    (before, ask, moment) => {
      if (before?.holder !== ask.id || before.expiresAt >= moment.now) return renew(before, ask, moment);
      return { reply: { kind: 'denied', holder: null, token: before.token }, record: before };
    },
  ),
  renewing('not-restored', 'A leader whose record was lost is denied.', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    if (reply.kind !== 'renewed' || !reply.restored) return { reply, record };
    return { reply: { kind: 'denied', holder: null, token: before?.token ?? 0n }, record: before };
  }),
  renewing('late-beat-accepted', 'A renewal that comes late brings its beat back.', (before, ask, moment) =>
    renew(before && { ...before, beat: -1 }, ask, moment),
  ),
  renewing(
    'beat-of-the-store',
    'The store counts the beats itself, and repeats them after a loss.',
    (before, ask, moment) => {
      const matches = before?.holder === ask.id && before.token === ask.token;
      return renew(before, { ...ask, beat: matches ? before.beat + 1 : 1 }, moment);
    },
  ),
  renewing('renewed-shorter', 'A renewal lasts less than the leader believes.', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    const shortMs = ask.leaseMs / DRIFT_FACTOR / 1.02;
    return { reply, record: record && { ...record, leaseMs: shortMs, expiresAt: moment.now + shortMs } };
  }),
  renewing('renewed-in-word-only', 'A renewal is confirmed, but not stored.', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    return { reply, record: reply.kind === 'renewed' && !reply.restored ? before : record };
  }),
];

const releases: readonly ProtocolMutant[] = [
  releasing('released-by-anybody', 'Releasing needs no match of holder and token.', (before, _, moment) =>
    release(before, { resource: '', id: before?.holder ?? '', token: before?.token ?? 0n }, moment),
  ),
  releasing(
    'released-by-an-earlier-term',
    'Releasing needs the holder, not its latest token.',
    (before, ask, moment) => release(before, { ...ask, token: before?.token ?? 0n }, moment),
  ),
  releasing('release-adopts-data', 'A release takes another data set for its own.', (before, ask, moment) => {
    const { reply, record } = release(before, ask, moment);
    return {
      reply,
      record: reply.released && record ? { ...record, incarnation: moment.incarnation } : record,
    };
  }),
  releasing('release-ends-quarantine', 'A release clears the loss that stands.', (before, ask, moment) => {
    const { reply, record } = release(before, ask, moment);
    return { reply, record: reply.released && record ? { ...record, loss: null } : record };
  }),
  releasing('release-forgets-tokens', 'A release forgets which tokens there were.', (before, ask, moment) => {
    const { reply, record } = release(before, ask, moment);
    return {
      reply,
      record: reply.released && record ? { ...record, token: 0n, highest: 0n, term: 0 } : record,
    };
  }),
];

export const protocolMutants: readonly ProtocolMutant[] = [
  ...losses,
  ...tokens,
  ...holders,
  ...renewals,
  ...releases,
];
