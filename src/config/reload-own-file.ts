import { contentOf } from './reload-contents.ts';
import type { Refusal } from './head.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { SharedOutcome } from './reload-outcomes.ts';
import type { ReloadSettings } from './reload-options.ts';

/**
 * What is wrong with a member's own file, where members agree on what they run. Such a file is proposed by nobody, so
 * that nothing is attempted with it: only who asks for a reload would learn nothing of it.
 */
export async function ownFileRefusal<T>(
  { source }: ReloadSettings<T>,
  driver: ReloadDriver<T>,
): Promise<Refusal | null> {
  const reading = await source.peek();
  // One that is missing asks for nothing.
  if (reading.kind !== 'read')
    return reading.kind === 'missing' ? null : { sha: null, diagnostics: reading.diagnostics };
  if (reading.sha === driver.context.applied?.sha) return null;
  const inspected = await driver.inspect(contentOf(reading));
  return 'kind' in inspected ? { sha: reading.sha, diagnostics: inspected.diagnostics } : null;
}

/** The same as an outcome: of no attempt, for none was made. */
export function refusedOutcome({ sha, diagnostics }: Refusal): SharedOutcome {
  const [first] = diagnostics;
  return {
    type: 'rejected',
    attempt: 0,
    generation: null,
    sha,
    stage: first?.stage ?? 'checking',
    diagnostics,
    omitted: 0,
    transient: false,
    known: false,
  };
}
