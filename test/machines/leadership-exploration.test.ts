import { describe, expect, test } from 'vitest';
import type { LeadershipContext } from '../../machines/index.ts';
import { believes, joins, type Member, tell, TIMINGS, type World } from './leadership-model.ts';

/** Times further back than this are all the same: every lease has ended. */
const LONG_AGO = TIMINGS.leaseMs + 2;

type Step = readonly [label: string, next: World];

function moment(world: World) {
  return {
    now: world.now,
    incarnation: `i${world.incarnation}`,
    settleMs: 0,
    tokenFloor: 0n,
    freshStore: 'wait' as const,
  };
}

function replaced(world: World, index: number, member: Member, rest: Partial<World> = {}): World {
  return { ...world, members: world.members.with(index, member), ...rest };
}

/** Everything that can happen next. */
function* steps(world: World): Generator<Step> {
  const { now } = world;
  yield ['a tick passes', { ...world, now: now + 1 }];
  for (const [i, member] of world.members.entries()) {
    const who = member.id;
    for (const [id, timer] of Object.entries(member.timers)) {
      if (timer.dueAt > now) continue;
      const { [id]: _, ...timers } = member.timers;
      const event = { ...timer.event, at: now, wall: now };
      yield [`${who}: ${timer.event.type}`, replaced(world, i, tell({ ...member, timers }, event, now))];
    }
    if (member.request && !member.answer) {
      const { request } = member;
      const { record, event } = request.run(world.record, moment(world));
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
        replaced(world, i, tell({ ...member, answer: null }, answer.event(now), now)),
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
        replaced(world, i, joins(who, (member.incarnation + 1) % 3, now), {
          faultsLeft: world.faultsLeft - 1,
        }),
      ];
  }
  if (world.faultsLeft > 0 && world.record !== null) {
    const lost = { record: null, incarnation: (world.incarnation + 1) % 3 };
    yield ['the store loses its data', { ...world, ...lost, faultsLeft: world.faultsLeft - 1 }];
  }
}

/** The world seen from now, with tokens and attempts counted from where they stand: finitely many. */
function key(world: World): string {
  const { now } = world;
  const since = (time: number) => Math.max(Math.min(time - now, 20), -LONG_AGO);
  const tokens = [...tokensOf(world)].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const rank = (token: string | bigint | null | undefined) =>
    token == null ? null : tokens.indexOf(`${token}`);
  const { record } = world;
  const recordKey = record && [
    record.holder,
    record.by,
    rank(record.token),
    rank(record.highest),
    since(record.expiresAt),
    record.incarnation === `i${world.incarnation}`,
    record.loss && since(record.loss.at),
    ...world.members.map((m) =>
      record.by === `${m.id}${m.incarnation}` ? m.snapshot.context.attempt - record.attempt : 0,
    ),
  ];
  const plain = (value: object, attempt: number) =>
    JSON.stringify(value, (name, part: unknown) => {
      if (typeof part === 'string' && part.startsWith('loss:')) return part === record?.loss?.id;
      if (typeof part === 'bigint' || name === 'token') return rank(part as bigint | string);
      if (name === 'attempt' || name === 'beat' || name === 'lastAttempt') return attempt - (part as number);
      return name === 'at' || name.startsWith('sent') || name === 'wall' ? since(part as number) : part;
    });
  const memberKey = (member: Member) => {
    const { context, value } = member.snapshot;
    const { term, known, loss } = context as LeadershipContext;
    return [
      value,
      member.incarnation,
      term && [rank(term.token), since(term.validUntil)],
      known && [
        known.holder,
        rank(known.token),
        context.attempt - known.beat,
        since(known.since),
        since(known.endsAt),
      ],
      rank(context.seen),
      context.vacant && rank(context.vacant),
      loss && [loss.id === record?.loss?.id, since(loss.since)],
      context.waitReason,
      context.failures > 0,
      Object.entries(member.timers).map(([id, timer]) => [id, Math.max(timer.dueAt - now, 0)]),
      member.request && [since(member.request.sentAt), plain(member.request.ask, context.attempt)],
      member.answer && plain(member.answer.event(now), context.attempt),
    ];
  };
  return JSON.stringify([recordKey, world.faultsLeft, world.members.map(memberKey)]);
}

function tokensOf({ record, members }: World): Set<string> {
  const tokens = new Set<string>(['0']);
  if (record) tokens.add(`${record.token}`).add(`${record.highest}`);
  for (const { snapshot } of members) {
    const { term, known, seen, vacant } = snapshot.context;
    for (const token of [term?.token, known?.token, seen, vacant]) if (token) tokens.add(token);
  }
  return tokens;
}

interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly violation: readonly string[] | null;
  readonly ledBy: ReadonlySet<string>;
}

function explore(start: World, limit: number): Exploration {
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
      for (const [label, after] of steps(world)) {
        transitions++;
        const believers = after.members.filter((member) => believes(member, after.now));
        for (const { id } of believers) ledBy.add(id);
        if (believers.length > 1)
          return { states: parents.size, transitions, violation: path(from, label), ledBy };
        const to = key(after);
        if (parents.has(to)) continue;
        parents.set(to, [from, label]);
        next.push(after);
      }
    }
    frontier = next;
  }
  return { states: parents.size, transitions, violation: null, ledBy };
}

const start = (faultsLeft: number): World => ({
  now: 0,
  record: null,
  incarnation: 0,
  members: [joins('a', 0, 0), joins('b', 0, 0)],
  faultsLeft,
});

describe('two members, the real chart and the real protocol', () => {
  test('in no reachable state do both believe that they lead', { timeout: 240_000 }, () => {
    const { states, transitions, violation, ledBy } = explore(
      start(1),
      Number(process.env['LIMIT'] ?? 200_000),
    );
    console.log(`${states} states, ${transitions} transitions`);
    expect(violation).toBeNull();
    expect([...ledBy].sort()).toEqual(['a', 'b']);
  });
});
