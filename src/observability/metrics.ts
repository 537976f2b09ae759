import { type Attributes, type Meter, type MeterProvider, metrics as api } from '@opentelemetry/api';
import type { ConfigReload } from '../config-reload.ts';
import type { Journal } from '../journal/journal.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { VERSION } from '../runtime/identity.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { observeConfig, type ObserveConfigOptions } from './config-metrics.ts';
import { observeElection } from './election-metrics.ts';
import { observeEventLoop } from './event-loop-metrics.ts';
import { Instruments, PREFIX } from './instruments.ts';
import { journalBooks, MeasuredJournal } from './measured-journal.ts';
import { MeasuredLeaseStore } from './measured-lease-store.ts';

/** Where metrics go, and what they are called. */
export interface MetricsOptions {
  /** Where the metrics go. Default the global provider of `@opentelemetry/api`, as it is at this moment. */
  readonly meterProvider?: MeterProvider;
  /** Instead of a provider: a meter of it. */
  readonly meter?: Meter;
  /** What every name begins with. Default `conclave`. */
  readonly prefix?: string;
  /** Put on every series. Needed where two elections of one process are for one resource. */
  readonly attributes?: Attributes;
  /** For simulations. Default the system's; the same as that of what is observed. */
  readonly clock?: Clock;
}

/** Conclave's metrics (docs/metrics.md) through OpenTelemetry. */
export interface Metrics extends Disposable {
  /** The same store, whose calls are timed: give it to the election. */
  measureLeases(leases: LeaseStore): LeaseStore;
  /** The same journal, whose records and failures are counted: give it to the election and the configuration. */
  measureJournal(journal: Journal): Journal;
  /** Counts from now on: call it before `election.start()`. */
  observeElection(election: LeaderElection): Disposable;
  /** Counts from now on: call it before `reload.start()`. */
  observeConfig<T>(reload: ConfigReload<T>, options?: ObserveConfigOptions): Disposable;
  /** Samples how late timers run. Keeps the process alive until disposed of. */
  observeEventLoop(): Disposable;
}

/**
 * Metrics for whatever is given to it. Nothing is exported by it: that is what the meter provider is for, or
 * `prometheusMetrics` of `conclave/prometheus`, which has one of its own. Dispose of it when all is stopped.
 *
 * @throws SettingsError `SETTINGS_INVALID` if the prefix cannot begin the name of a metric
 *
 * @example
 * using metrics = createMetrics({ meterProvider });
 * const leases = metrics.measureLeases(sqliteLeases({ path: 'leases.db' }));
 * await using election = createLeaderElection({ resource: 'billing', leases });
 * metrics.observeElection(election);
 * await election.start();
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { prefix = PREFIX, attributes = {}, clock = systemClock } = options;
  const provider = options.meterProvider ?? api.getMeterProvider();
  const meter = options.meter ?? provider.getMeter('conclave', VERSION);
  const instruments = new Instruments({ meter, prefix, attributes });
  const named = new Set<string>();
  const owned = new Set<Disposable>();
  const journals = journalBooks(instruments);
  owned.add(journals.observing);
  const own = (observing: Disposable): Disposable => {
    owned.add(observing);
    return {
      [Symbol.dispose]: () => {
        if (owned.delete(observing)) observing[Symbol.dispose]();
      },
    };
  };
  return {
    measureLeases: (leases) =>
      new MeasuredLeaseStore(leases, { instruments, clock, isNamed: (resource) => named.has(resource) }),
    measureJournal: (journal) => new MeasuredJournal(journal, journals.of(journal.kind)),
    observeElection: (election) => {
      named.add(election.resource);
      return own(observeElection(election, instruments, clock));
    },
    observeConfig: (reload, { resource } = {}) =>
      own(observeConfig(reload, resource === undefined ? {} : { resource }, instruments, clock)),
    observeEventLoop: () => own(observeEventLoop(instruments, clock)),
    [Symbol.dispose]: () => {
      for (const each of owned) each[Symbol.dispose]();
      owned.clear();
    },
  };
}
