import type { LeadershipTerm } from '../election/term.ts';
import type { LeaderElection } from '../leader-election.ts';
import { systemClock } from '../runtime/system-clock.ts';

/** How long somebody waits to lead: for ever, for the store's first answer, or for so many milliseconds. */
export type Patience = 'endless' | 'first-answer' | number;

/** Why there is no term. */
export type NoTerm =
  | { readonly kind: 'other-leads'; readonly leader: string | null }
  | { readonly kind: 'store-unavailable' }
  | { readonly kind: 'interrupted' };

/** The present term or the next one, within the given patience. */
export async function termWithin(
  election: LeaderElection,
  patience: Patience,
  interrupted: AbortSignal,
): Promise<LeadershipTerm | NoTerm> {
  const over = new AbortController();
  let why: NoTerm = { kind: 'interrupted' };
  const giveUp = (reason: NoTerm) => {
    why = reason;
    over.abort();
  };
  const onInterrupt = () => over.abort();
  interrupted.addEventListener('abort', onInterrupt, { once: true });
  if (interrupted.aborted) over.abort();
  const timer =
    typeof patience === 'number'
      ? systemClock.setTimeout(
          () => giveUp({ kind: 'other-leads', leader: election.currentLeader }),
          patience,
        )
      : null;
  const answers =
    patience === 'first-answer'
      ? election.state$.subscribe((snapshot) => {
          if (!snapshot.matches('follower') || snapshot.context.attempt === 0) return;
          if (snapshot.matches({ follower: 'backingOff' })) giveUp({ kind: 'store-unavailable' });
          else giveUp({ kind: 'other-leads', leader: election.currentLeader });
        })
      : null;
  try {
    return (await election.whenLeader({ signal: over.signal })) ?? why;
  } finally {
    interrupted.removeEventListener('abort', onInterrupt);
    systemClock.clearTimeout(timer);
    answers?.unsubscribe();
  }
}
