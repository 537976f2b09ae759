import { defer, filter, map, type Observable } from 'rxjs';
import type { LeadershipEvent } from '../../machines/index.ts';
import type { LeaseSignal, LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';

/** Turns a store's hints about one resource into events of the leadership chart. Facts only; the chart waits. */
export function leaseEvents(
  leases: Pick<LeaseStore, 'watch'>,
  resource: string,
  candidateId: string,
  { clock, randomness }: { readonly clock: Clock; readonly randomness: Randomness },
): Observable<LeadershipEvent> {
  return defer(() => leases.watch(resource)).pipe(
    // What this member did itself it knows better from the replies; what makes no sense must not become a timer.
    filter((signal) => !('holder' in signal) || (signal.holder !== candidateId && makesSense(signal))),
    map((signal): LeadershipEvent => {
      const at = clock.monotonicMs();
      const luck = randomness.unit();
      switch (signal.kind) {
        case 'acquired':
        case 'renewed': {
          const { holder, beat, leaseMs, ageMs } = signal;
          return {
            type: 'lease.observed',
            at,
            luck,
            holder,
            token: String(signal.token),
            beat,
            leaseMs,
            ageMs,
          };
        }
        case 'released':
          return { type: 'release.observed', at, luck, token: String(signal.token) };
        case 'gap':
          return { type: 'watch.resumed', at, luck };
      }
    }),
  );
}

function makesSense({ beat, leaseMs, ageMs }: Extract<LeaseSignal, { readonly beat: number }>): boolean {
  return [leaseMs, ageMs].every((ms) => Number.isFinite(ms) && ms >= 0) && Number.isSafeInteger(beat);
}
