import { endpointsOf } from './settings-text.ts';
import { connectionCount } from './doctor-failover.ts';
import { infoField, type RedisFinding, unknown } from './doctor-findings.ts';
import type { RedisFacts } from './doctor-facts.ts';
import { isBelow } from './link-facts.ts';

/** Whether members may, and what is in the way of their connections and keys. */
export function accessFindings(facts: RedisFacts): RedisFinding[] {
  return [
    rights(facts),
    ...lease(facts),
    ...connections(facts),
    idle(facts),
    encryption(facts),
    ...notes(facts),
  ];
}

function rights({ denied, info, plan }: RedisFacts): RedisFinding {
  const check = 'rights';
  const recipe = 'docs/redis.md has the ACL SETUSER line that gives all of them.';
  if ('refused' in denied) {
    const version = 'answer' in info ? (infoField(info.answer, 'redis_version') ?? '') : '';
    if (isBelow(version.split('.').map(Number), [7]))
      return unknown(
        check,
        'servers before version 7 do not tell',
        'A missing right shows when it is needed.',
        recipe,
      );
    const why = 'Every decision about a lease is a script: without EVAL and EVALSHA nobody can lead.';
    return { ...unknown(check, denied.refused, why, recipe), severity: 'danger' };
  }
  const missing = denied.answer;
  return missing.length === 0
    ? {
        check,
        severity: 'ok',
        seen: 'the user may do all that leases need',
        why: 'Tried by command, key and channel.',
        cure: null,
      }
    : {
        check,
        severity: 'danger',
        seen: `the user may not: ${missing.join(', ')}`,
        why: `Nobody can lead "${plan.resource}" without these, or hand over at once.`,
        cure: `Give them by ACL SETUSER, with the key pattern and the channel pattern of the lease. ${recipe}`,
      };
}

function lease({ lease: asked, plan, cluster }: RedisFacts): RedisFinding[] {
  const check = 'lease';
  if ('refused' in asked)
    return [
      {
        ...unknown(
          check,
          asked.refused,
          'It could not be looked whether the keys are free for leases.',
          'See the other findings.',
        ),
        severity: 'danger',
      },
    ];
  const { keys, mirror, record, trouble } = asked.answer;
  const where = `${keys.mirror} and ${keys.record}${cluster === null ? '' : ` (slot ${cluster.slot})`}`;
  if (trouble !== null)
    return [
      {
        check,
        severity: 'danger',
        seen: trouble.message,
        why: `Members refuse to lead "${plan.resource}" while its keys hold something else.`,
        cure: 'Choose another key prefix or resource, or delete the foreign key if nobody needs it.',
      },
    ];
  const holder = record?.holder ?? null;
  if (mirror !== null && mirror.value !== holder)
    return [
      {
        check,
        severity: 'danger',
        seen: `${keys.mirror} says ${JSON.stringify(mirror.value.slice(0, 100))}, while ${holder === null ? 'nobody holds the lease' : `${holder} holds the lease`}`,
        why: 'Something else than Conclave writes this key. A leader steps down at its next renewal, and nobody is granted the lease while it is there.',
        cure: 'Give one of the two another key prefix, or delete the key if nobody needs it.',
      },
    ];
  const found: RedisFinding[] = [
    {
      check,
      severity: 'ok',
      seen: `${where}: ${record === null ? 'never used' : holder === null ? `released, term ${record.term}, token ${record.token}` : `held by ${holder}, term ${record.term}, token ${record.token}`}`,
      why: 'Both keys are free for leases, and in one slot of a cluster.',
      cure: null,
    },
  ];
  if (record?.namesake)
    found.push({
      check: 'names',
      severity: 'warning',
      seen: `${record.namesake} goes by the same given id as the leader, ${holder}`,
      why: 'It does no harm to leases, but logs and metrics cannot tell the two apart.',
      cure: 'Give each member an id of its own (POD_NAME, --id).',
    });
  return found;
}

const CONNECTIONS_NEARLY_FULL = 0.9;

function connections({ info }: RedisFacts): RedisFinding[] {
  const count = 'answer' in info ? connectionCount(info.answer) : null;
  if (count === null) return [];
  const { open, most } = count;
  const full = open / most > CONNECTIONS_NEARLY_FULL;
  return [
    {
      check: 'connections',
      severity: full ? 'warning' : 'ok',
      seen: `${open} of ${most} connections`,
      why: 'A member needs two; who gets none cannot lead, nor renew after a reconnect.',
      cure: full ? 'CONFIG SET maxclients higher, or find who holds them: CLIENT LIST.' : null,
    },
  ];
}

function idle({ config, plan }: RedisFacts): RedisFinding {
  const check = 'idle';
  const why = 'A setting `timeout` closes connections on which no command is sent.';
  if ('refused' in config)
    return unknown(
      check,
      config.refused,
      why,
      'CONFIG GET timeout, where it is allowed: it should be 0, or longer than the renewal interval.',
    );
  const seconds = Number(config.answer['timeout'] ?? 0);
  const seen =
    seconds === 0 ? 'idle connections are left open' : `idle connections are closed after ${seconds} s`;
  if (seconds === 0)
    return { check, severity: 'ok', seen, why: 'Members keep their connections.', cure: null };
  const tooShort = seconds * 1000 <= plan.renewMs;
  return {
    check,
    severity: tooShort ? 'warning' : 'note',
    seen,
    why: tooShort
      ? `The leader renews every ${plan.renewMs} ms, and finds its connection closed each time. Subscribers are not closed.`
      : 'Followers say nothing in between and connect anew when they have to ask. Subscribers are not closed.',
    cure: `CONFIG SET timeout 0, or longer than the renewal interval of ${plan.renewMs} ms.`,
  };
}

function encryption({ settings }: RedisFacts): RedisFinding {
  const check = 'encryption';
  const { tls, topology, credentials } = settings;
  const isLocal = endpointsOf(topology).every(({ host }) => /^(localhost|127\.|::1$)/.test(host));
  if (tls !== null && !tls.verify)
    return {
      check,
      severity: 'warning',
      seen: 'TLS, but any certificate is accepted',
      why: 'Whoever is in between can read the password and change who leads.',
      cure: 'tls_ca=FILE with the authority of the server instead of tls_verify=false.',
    };
  if (tls !== null)
    return {
      check,
      severity: 'ok',
      seen: 'TLS with a certificate that is checked',
      why: 'Nobody in between reads or changes anything.',
      cure: null,
    };
  if (isLocal)
    return {
      check,
      severity: 'ok',
      seen: 'plain text within this host',
      why: 'It does not leave the host.',
      cure: null,
    };
  return {
    check,
    severity: 'note',
    seen: `plain text over the network${credentials === null ? ', without a password' : ''}`,
    why: 'Whoever is in between can read the password and change who leads.',
    cure: 'rediss:// where the server has TLS; a network of its own where it has not.',
  };
}

const notes = ({ settings }: RedisFacts): RedisFinding[] =>
  settings.notes.map((note) => ({
    check: 'settings',
    severity: 'note',
    seen: note,
    why: 'It was understood otherwise than it may have been meant.',
    cure: null,
  }));
