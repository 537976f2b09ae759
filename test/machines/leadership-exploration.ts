import { createHash } from 'node:crypto';
import type { LeadershipEvent } from '../../machines/index.ts';
import { believes, joins, type Member, tell, TIMINGS, type World } from './leadership-model.ts';

/** Times further back than this are all the same: every lease has ended. */
const LONG_AGO = TIMINGS.leaseMs + 2;

type Step = readonly [label: string, next: World];

function moment(world: World, freshStore: 'wait' | 'trust') {
  return {
    now: world.now,
    incarnation: `i${world.incarnation}`,
    settleMs: 0,
    tokenFloor: 0n,
    freshStore,
  };
}

function replaced(world: World, index: number, member: Member, rest: Partial<World> = {}): World {
  return { ...world, members: world.members.with(index, member), ...rest };
}

/** An answer as the member hears of it. */
function arrived(event: LeadershipEvent, now: number, bug: Setting['bug']): LeadershipEvent {
  return bug === 'belief counts from the answer' && 'sentAt' in event
    ? { ...event, sentAt: now, sentWall: now }
    : event;
}

/** Everything that can happen next. */
function* steps(world: World, { freshStore, dataLoss, bug }: Setting): Generator<Step> {
  const { now } = world;
  const restless = (m: Member) =>
    (!m.frozen && Object.values(m.timers).some(({ dueAt }) => dueAt <= now)) ||
    (!m.frozen && !m.delayed && m.answer !== null) ||
    (!m.delayed && m.request !== null);
  if (!world.members.some(restless)) yield ['a tick passes', { ...world, now: now + 1 }];
  for (const [i, member] of world.members.entries()) {
    const who = member.id;
    if (member.frozen) {
      yield [`${who}: thaws`, replaced(world, i, { ...member, frozen: false })];
      continue;
    }
    if (world.faultsLeft > 0)
      yield [
        `${who}: freezes`,
        replaced(world, i, { ...member, frozen: true }, { faultsLeft: world.faultsLeft - 1 }),
      ];
    for (const [id, timer] of Object.entries(member.timers)) {
      if (timer.dueAt > now) continue;
      const { [id]: _, ...timers } = member.timers;
      const event = { ...timer.event, at: now, wall: now };
      yield [`${who}: ${timer.event.type}`, replaced(world, i, tell({ ...member, timers }, event, now))];
    }
    if (world.faultsLeft > 0 && !member.delayed && (member.request ?? member.answer))
      yield [
        `${who}: message delayed`,
        replaced(world, i, { ...member, delayed: true }, { faultsLeft: world.faultsLeft - 1 }),
      ];
    if (member.request && !member.answer) {
      const { request } = member;
      const { record, event } = request.run(world.record, moment(world, freshStore));
      const answer = { attempt: request.attempt, kind: request.kind, event };
      yield [
        `${who}: ${request.kind} executed`,
        replaced(world, i, { ...member, request: null, answer }, { record }),
      ];
      if (world.faultsLeft > 0)
        yield [
          `${who}: ${request.kind} lost`,
          replaced(world, i, { ...member, request: null }, { faultsLeft: world.faultsLeft - 1 }),
        ];
    }
    if (member.answer) {
      const { answer } = member;
      yield [
        `${who}: answer to ${answer.kind}`,
        replaced(world, i, tell({ ...member, answer: null }, arrived(answer.event(now), now, bug), now)),
      ];
      if (world.faultsLeft > 0)
        yield [
          `${who}: answer lost`,
          replaced(world, i, { ...member, answer: null }, { faultsLeft: world.faultsLeft - 1 }),
        ];
    }
    if (member.snapshot.matches('leader'))
      yield [`${who}: resigns`, replaced(world, i, tell(member, { type: 'resign', at: now }, now))];
    if (world.faultsLeft > 0)
      yield [
        `${who}: crashes and comes back`,
        replaced(world, i, joins(who, member.incarnation + 1, now), {
          faultsLeft: world.faultsLeft - 1,
        }),
      ];
  }
  if (dataLoss && world.faultsLeft > 0 && world.record !== null) {
    const lost = { record: null, incarnation: world.incarnation + 1 };
    yield ['the store loses its data', { ...world, ...lost, faultsLeft: world.faultsLeft - 1 }];
  }
}

/** The world seen from now, with tokens and attempts counted from where they stand: finitely many. */
function key(world: World): string {
  const { now } = world;
  const since = (time: number) => Math.max(Math.min(time - now, 20), -LONG_AGO);
  const tokens = [...tokensOf(world)].toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const rank = (token: string | bigint | null | undefined) =>
    token === null || token === undefined ? null : tokens.indexOf(`${token}`);
  /** A member's present incarnation by its name, any earlier one as one of the dead. */
  const who = (holder: string | null | undefined) =>
    world.members.find((m) => `${m.id}${m.incarnation}` === holder)?.id ?? (holder ? 'dead' : null);
  const { record } = world;
  const recordKey = record && [
    who(record.holder),
    who(record.by),
    rank(record.token),
    rank(record.highest),
    since(record.expiresAt),
    record.incarnation === `i${world.incarnation}`,
    record.loss && since(record.loss.at),
    ...world.members.map((m) =>
      record.by === `${m.id}${m.incarnation}` ? near(m.snapshot.context.attempt - record.attempt) : 0,
    ),
  ];
  const plain = (value: object, attempt: number) =>
    JSON.stringify(value, (name, part: unknown) => {
      if (typeof part === 'string' && part.startsWith('loss:')) return part === record?.loss?.id;
      if (name === 'holder' || name === 'id') return who(part as string | null);
      if (typeof part === 'bigint' || name === 'token') return rank(part as bigint | string);
      if (name === 'beat') return near((record?.beat ?? 0) - (part as number));
      if (name === 'attempt' || name === 'lastAttempt') return near(attempt - (part as number));
      return name === 'at' || name.startsWith('sent') || name === 'wall' ? since(part as number) : part;
    });
  const memberKey = (member: Member) => {
    const { context, value } = member.snapshot;
    const { term, known, loss } = context;
    return [
      value,
      member.frozen,
      member.delayed && (member.request ?? member.answer) !== null,
      term && [rank(term.token), since(term.validUntil)],
      known && [
        who(known.holder),
        rank(known.token),
        near((record?.beat ?? 0) - known.beat),
        since(known.since),
      ],
      rank(context.seen),
      context.vacant && rank(context.vacant),
      loss && [loss.id === record?.loss?.id, since(loss.since)],
      context.waitReason,
      Object.entries(member.timers).map(([id, timer]) => [id, Math.max(timer.dueAt - now, 0)]),
      member.request && [since(member.request.sentAt), plain(member.request.ask, context.attempt)],
      member.answer && plain(member.answer.event(now), context.attempt),
    ];
  };
  const whole = JSON.stringify([recordKey, world.faultsLeft, world.members.map(memberKey)]);
  // A digest, so that a million of them fit into memory.
  return createHash('md5').update(whole).digest('base64');
}

/** A count that matters only while it is small. */
const near = (count: number) => Math.max(-3, Math.min(count, 3));

function tokensOf({ record, members }: World): Set<string> {
  const tokens = new Set<string>(['0']);
  if (record) tokens.add(`${record.token}`).add(`${record.highest}`);
  const collect = (part: unknown): void => {
    if (typeof part === 'bigint') tokens.add(`${part}`);
    else if (typeof part === 'object' && part !== null)
      for (const [name, value] of Object.entries(part))
        if (name === 'token' && typeof value === 'string') tokens.add(value);
        else collect(value);
  };
  for (const { snapshot, request, answer } of members) {
    collect(request?.ask);
    collect(answer?.event(0));
    const { term, known, seen, vacant } = snapshot.context;
    for (const token of [term?.token, known?.token, seen, vacant]) if (token) tokens.add(token);
  }
  return tokens;
}

export interface Setting {
  readonly title: string;
  /** How many; default two. */
  readonly members?: 2 | 3;
  readonly faults: number;
  readonly freshStore: 'wait' | 'trust';
  readonly dataLoss: boolean;
  /** A planted bug, to see that this search can see. */
  readonly bug?: 'belief counts from the answer' | 'a flag instead of the clock';
}

interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly violation: readonly string[] | null;
  readonly ledBy: ReadonlySet<string>;
  /** Whether there was nothing left to explore. */
  readonly closed: boolean;
}

/** Breadth first through everything that can happen, until two believe or nothing is left. */
export function explore(setting: Setting, limit: number): Exploration {
  const members = ['a', 'b', 'c'].slice(0, setting.members ?? 2).map((id) => joins(id, 0, 0));
  const start: World = { now: 0, record: null, incarnation: 0, members, faultsLeft: setting.faults };
  const believer = (m: Member, now: number) =>
    setting.bug === 'a flag instead of the clock' ? m.snapshot.matches('leader') : believes(m, now);
  const parents = new Map<string, readonly [string, string] | null>([[key(start), null]]);
  let frontier: World[] = [start];
  let transitions = 0;
  const ledBy = new Set<string>();
  const path = (from: string, last: string): string[] => {
    const labels = [last];
    for (let at = parents.get(from); at; at = parents.get(at[0])) labels.unshift(at[1]);
    return labels;
  };
  while (frontier.length > 0 && parents.size < limit) {
    const next: World[] = [];
    for (const world of frontier) {
      const from = key(world);
      for (const [label, after] of steps(world, setting)) {
        transitions++;
        const believers = after.members.filter((member) => believer(member, after.now));
        for (const { id } of believers) ledBy.add(id);
        if (believers.length > 1)
          return { states: parents.size, transitions, violation: path(from, label), ledBy, closed: false };
        const to = key(after);
        if (parents.has(to)) continue;
        parents.set(to, [from, label]);
        next.push(after);
      }
    }
    frontier = next;
  }
  return { states: parents.size, transitions, violation: null, ledBy, closed: frontier.length === 0 };
}
