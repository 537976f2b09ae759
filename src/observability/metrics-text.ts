/**
 * What a server needs of metrics: a text that Prometheus can read, made when it is asked for. `conclave/prometheus`
 * makes one from a meter provider of its own; an application that has its own exporter needs none.
 */
export interface MetricsText {
  /** The value of the `Content-Type` header. */
  readonly contentType: string;
  /** All metrics as they stand now. */
  text(): Promise<string>;
}
