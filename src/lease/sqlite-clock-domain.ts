import { readFileSync, readlinkSync } from 'node:fs';
import { systemRandomness } from '../runtime/system-randomness.ts';

/**
 * Which monotonic clock this process reads, as a name that two processes share only if they read the same one: the
 * boot of the host, the time namespace, and how that namespace shifts the clock (the number of a namespace may be
 * given to another after it has ended). Times of another domain say nothing here.
 *
 * Where the system tells no boot, each process is a domain of its own: nobody then trusts anybody's times, and
 * leases end by watching.
 */
export function readClockDomain(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return [boot, ...timeNamespace()].join(' ');
  } catch {
    return `process ${systemRandomness.id()}`;
  }
}

/** Nothing on kernels without time namespaces, where there is but one. */
function timeNamespace(): string[] {
  try {
    const offset = /^monotonic\s+(\S+)\s+(\S+)/m.exec(readFileSync('/proc/self/timens_offsets', 'utf8'));
    return [readlinkSync('/proc/self/ns/time'), `${offset?.[1]}.${offset?.[2]}`];
  } catch {
    return [];
  }
}

/** Whether processes of this host can tell that they share a clock. */
export function sharesClock(domain: string): boolean {
  return !domain.startsWith('process ');
}
