import { ConclaveError, StoreUnavailableError } from '../errors.ts';
import type { LeaseView } from '../lease/lease-store.ts';
import type { ElectionSettings } from './options.ts';

/**
 * Reads the lease as it stands.
 *
 * @throws StoreUnavailableError if the store cannot be asked, or does not answer in time
 */
export async function lookUp(
  { leases, resource, clock }: Pick<ElectionSettings, 'leases' | 'resource' | 'clock'>,
  withinMs: number,
): Promise<LeaseView | null> {
  const given = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => {
    const message = `The store did not answer within ${Math.round(withinMs)} ms.`;
    late.reject(new StoreUnavailableError('STORE_TIMEOUT', message, { outcomeUnknown: false }));
  }, withinMs);
  try {
    const asked = leases.read(resource, { signal: given.signal });
    // Nobody waits for it any more once it is late.
    asked.catch(() => {});
    return await Promise.race([asked, late.promise]);
  } catch (cause) {
    if (cause instanceof ConclaveError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StoreUnavailableError('STORE_UNAVAILABLE', message, { cause, outcomeUnknown: false });
  } finally {
    clock.clearTimeout(timer);
    given.abort();
  }
}
