/**
 * Planted bugs: the protocol with one rule taken out. Each must be caught by the attack; one that survives means
 * that the attack does not try what the rule is for.
 */
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import type { LeaseRecord } from '../../src/lease/lease-record.ts';
import { shipped, type Protocol } from './lease-protocol-store.ts';

const { acquire, renew, release } = shipped;

const change = <K extends keyof Protocol>(operation: K, mutant: Protocol[K]): Protocol => ({
  ...shipped,
  [operation]: mutant,
});

/** Asks as somebody who knows of the standing loss and has waited for ever. */
const withoutQuarantine: Protocol['acquire'] = (before, ask, moment) => {
  const first = acquire(before, ask, moment);
  if (first.reply.kind !== 'quarantined') return first;
  return acquire(first.record, { ...ask, loss: { id: first.reply.lossId, forMs: Infinity } }, moment);
};

const quarantineUnless = (exempt: (before: LeaseRecord | null, id: string) => boolean) =>
  change('acquire', (before, ask, moment) =>
    (exempt(before, ask.id) ? withoutQuarantine : acquire)(before, ask, moment),
  );

export const mutants: Readonly<Record<string, Protocol>> = {
  'a late acquire is not refused': change('acquire', (before, ask, moment) =>
    acquire(before && { ...before, attempt: -1 }, ask, moment),
  ),
  'no quarantine': change('acquire', withoutQuarantine),
  'the former holder is exempt from quarantine': quarantineUnless((before, id) => before?.by === id),
  'a released record is exempt from quarantine': quarantineUnless((before) => before?.holder === null),
  'a record within its grace is exempt from quarantine': quarantineUnless((before) => before?.graceMs !== 0),
  'another incarnation is no loss': change('acquire', (before, ask, moment) =>
    acquire(before && { ...before, incarnation: moment.incarnation }, ask, moment),
  ),
  'an empty record is no loss': change('acquire', (before, ask, moment) =>
    acquire(
      before,
      before ? ask : { ...ask, seen: 0n },
      before ? moment : { ...moment, freshStore: 'trust' },
    ),
  ),
  'a quarantine lasts the lease of the asker': change('acquire', (before, ask, moment) =>
    acquire(before && { ...before, longestMs: ask.leaseMs }, { ...ask, longestMs: ask.leaseMs }, moment),
  ),
  'what was waited counts for any loss': change('acquire', (before, ask, moment) => {
    const first = acquire(before, ask, moment);
    if (first.reply.kind !== 'quarantined' || !ask.loss) return first;
    return acquire(before, { ...ask, loss: { ...ask.loss, id: first.reply.lossId } }, moment);
  }),
  'a loss is noted again by each asker': change('acquire', (before, ask, moment) =>
    acquire(
      before?.loss ? { ...before, loss: null, incarnation: 'another' } : before,
      { ...ask, loss: null },
      moment,
    ),
  ),
  'the same token when the holder acquires again': change('acquire', (before, ask, moment) => {
    const { reply, record } = acquire(before, ask, moment);
    if (reply.kind !== 'won' || before?.holder !== ask.id || !record) return { reply, record };
    return { reply: { ...reply, token: before.token }, record: { ...record, token: before.token } };
  }),
  'the token is a bare increment': change('acquire', (before, ask, moment) => {
    const { reply, record } = acquire(before, ask, moment);
    if (reply.kind !== 'won' || !record) return { reply, record };
    const token = (before?.token ?? 0n) + 1n;
    return { reply: { ...reply, token }, record: { ...record, token } };
  }),
  'what the asker has watched is ignored': change('acquire', (before, ask, moment) =>
    acquire(before, { ...ask, observed: null }, moment),
  ),
  'any beat counts as the watched one': change('acquire', (before, ask, moment) =>
    acquire(
      before,
      { ...ask, observed: ask.observed && { ...ask.observed, beat: before?.beat ?? 0 } },
      moment,
    ),
  ),
  'a lease ends a tenth early': change('acquire', (before, ask, moment) =>
    acquire(before && { ...before, expiresAt: before.expiresAt - before.leaseMs / 10 }, ask, moment),
  ),
  'grace after a release': change('acquire', (before, ask, moment) => {
    if (before?.holder !== null || before.by === ask.id || before.expiresAt + before.graceMs < moment.now) {
      return acquire(before, ask, moment);
    }
    return acquire({ ...before, holder: before.by }, ask, moment);
  }),
  'a clock far behind is believed': change('acquire', (before, ask, moment) => {
    const { reply, record } = acquire(before, ask, moment);
    if (reply.kind !== 'held' || !record || ask.observed) return { reply, record };
    return { reply: { ...reply, remainingMs: record.expiresAt - moment.now + record.graceMs }, record };
  }),
  'renewing needs no match': change('renew', (before, ask, moment) =>
    renew(before && { ...before, holder: ask.id, token: ask.token }, ask, moment),
  ),
  'any token restores a lost record': change('renew', (before, ask, moment) => {
    const { reply, record } = renew(
      before?.loss ? { ...before, token: 0n, highest: 0n } : before,
      ask,
      moment,
    );
    return { reply, record: record && before ? { ...record, highest: before.highest } : record };
  }),
  'a renewal ends the quarantine': change('renew', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    return { reply, record: record && { ...record, loss: null } };
  }),
  'a renewal that is past is denied': change('renew', (before, ask, moment) => {
    if (before?.holder !== ask.id || before.expiresAt >= moment.now) return renew(before, ask, moment);
    return { reply: { kind: 'denied', holder: null, token: before.token }, record: before };
  }),
  'a lost record is not restored': change('renew', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    if (reply.kind !== 'renewed' || !reply.restored) return { reply, record };
    return { reply: { kind: 'denied', holder: null, token: before?.token ?? 0n }, record: before };
  }),
  'a late renewal brings its beat back': change('renew', (before, ask, moment) =>
    renew(before && { ...before, beat: -1 }, ask, moment),
  ),
  'a lease is renewed for the shortest time known': change('renew', (before, ask, moment) => {
    const { reply, record } = renew(before, ask, moment);
    const shortMs = ask.leaseMs / DRIFT_FACTOR / 1.02;
    return { reply, record: record && { ...record, leaseMs: shortMs, expiresAt: moment.now + shortMs } };
  }),
  'releasing needs no match': change('release', (before, _, moment) =>
    release(before, { resource: '', id: before?.holder ?? '', token: before?.token ?? 0n }, moment),
  ),
  'a release adopts the data set': change('release', (before, ask, moment) => {
    const { reply, record } = release(before, ask, moment);
    return {
      reply,
      record: reply.released && record ? { ...record, incarnation: moment.incarnation } : record,
    };
  }),
  'a release ends the quarantine': change('release', (before, ask, moment) => {
    const { reply, record } = release(before, ask, moment);
    return { reply, record: reply.released && record ? { ...record, loss: null } : record };
  }),
};
