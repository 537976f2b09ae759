import type { Attributes, BatchObservableCallback, Histogram, Meter, Observable } from '@opentelemetry/api';
import { SettingsError } from '../errors.ts';
import { ALL_METRICS, type Metric } from './metric-catalogue.ts';

/**
 * The catalogue as instruments of one meter.
 *
 * Counters and gauges are observed: the code that counts keeps plain numbers, and OpenTelemetry asks for them when it
 * collects. So an event costs an addition, every series is there from the first collection on, and a gauge is what it
 * is at that moment.
 */

export const PREFIX = 'conclave';

/** Gives one observed value. */
export type Tell = (metric: Metric, value: number, attributes: Attributes) => void;

/** Tells of what is observed; `ended` is true for the last time. */
export type Observe = (tell: Tell, ended: boolean) => void;

export interface InstrumentsOptions {
  readonly meter: Meter;
  readonly prefix: string;
  /** Put on every series. */
  readonly attributes: Attributes;
}

export class Instruments {
  readonly #meter: Meter;
  readonly #attributes: Attributes;
  readonly #observed = new Map<Metric, Observable>();
  readonly #histograms = new Map<Metric, Histogram>();

  /** @throws SettingsError `SETTINGS_INVALID` if the prefix cannot begin the name of a metric */
  constructor({ meter, prefix, attributes }: InstrumentsOptions) {
    if (!/^[a-zA-Z](?:_?[a-zA-Z0-9])*$/.test(prefix))
      throw new SettingsError(
        'SETTINGS_INVALID',
        `The prefix of metrics is ${JSON.stringify(prefix)}, but must begin with a letter and hold letters, digits and single underscores between them, for example "${PREFIX}".`,
      );
    this.#meter = meter;
    this.#attributes = attributes;
    for (const metric of ALL_METRICS) this.#create(metric, `${prefix}_${metric.name}`);
  }

  /** Records one value of a histogram. */
  record(metric: Metric, value: number, attributes: Attributes): void {
    this.#histograms.get(metric)?.record(Math.max(0, value), { ...this.#attributes, ...attributes });
  }

  /**
   * Has something observed at each collection. Disposed of, it is observed once more: a reader that goes on telling
   * the last value it has heard must not go on telling of a leader that is none.
   */
  observe(metrics: Readonly<Record<string, Metric>>, observe: Observe): Disposable {
    const instruments = Object.values(metrics)
      .map((metric) => this.#observed.get(metric))
      .filter((each) => each !== undefined);
    let ended = false;
    const callback: BatchObservableCallback = (result) => {
      observe((metric, value, attributes) => {
        const instrument = this.#observed.get(metric);
        if (instrument) result.observe(instrument, value, { ...this.#attributes, ...attributes });
      }, ended);
      // Not at once: the meter is walking through its callbacks.
      if (ended) queueMicrotask(() => this.#meter.removeBatchObservableCallback(callback, instruments));
    };
    this.#meter.addBatchObservableCallback(callback, instruments);
    return { [Symbol.dispose]: () => (ended = true) };
  }

  #create(metric: Metric, name: string): void {
    const options = { description: metric.help, unit: metric.unit };
    if (metric.kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(metric.buckets ?? [])] };
      this.#histograms.set(metric, this.#meter.createHistogram(name, { ...options, advice }));
    } else if (metric.kind === 'counter')
      this.#observed.set(metric, this.#meter.createObservableCounter(name, options));
    else this.#observed.set(metric, this.#meter.createObservableGauge(name, options));
  }
}

/** Counts by the values of some attributes; what is known in advance is there with 0. */
export class Counts<K extends string> {
  readonly #counts: Map<string, { readonly attributes: Readonly<Record<K, string>>; count: number }> =
    new Map();

  constructor(known: Iterable<Readonly<Record<K, string>>>) {
    for (const attributes of known) this.add(attributes, 0);
  }

  add(attributes: Readonly<Record<K, string>>, by = 1): void {
    const key = Object.values(attributes).join('\0');
    const counted = this.#counts.get(key);
    if (counted) counted.count += by;
    else this.#counts.set(key, { attributes, count: by });
  }

  tell(tell: Tell, metric: Metric, attributes: Attributes): void {
    for (const each of this.#counts.values()) tell(metric, each.count, { ...attributes, ...each.attributes });
  }
}
