import { redisScript, type RedisScript } from '../redis/script.ts';
import { ACQUIRE, DOUBT, MOMENT, READ, RECORD, RELEASE, RENEW } from './redis-lua.ts';

export interface LeaseScripts {
  readonly acquire: RedisScript;
  readonly renew: RedisScript;
  readonly release: RedisScript;
  readonly read: RedisScript;
}

/**
 * The scripts, which say in `src/lease/scripts/` what each takes, answers and keeps.
 *
 * Renewing and releasing go on when the server's memory is full: they replace what is there, and a leader must not
 * lose its term by it. Acquiring does not.
 *
 * @param moment where time and incarnation come from: the server, but for the tests
 */
export function leaseScripts(moment: string = MOMENT): LeaseScripts {
  return {
    acquire: redisScript('acquire', [], [RECORD, moment, DOUBT, ACQUIRE]),
    renew: redisScript('renew', ['allow-oom'], [RECORD, moment, DOUBT, RENEW]),
    release: redisScript('release', ['allow-oom'], [RECORD, RELEASE]),
    read: redisScript('read', ['no-writes'], [RECORD, moment, READ]),
  };
}
