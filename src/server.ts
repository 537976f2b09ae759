/** Serving a member over HTTP: health, leadership, configuration, events, metrics. */
export { conclaveApp } from './server/app.ts';
export type { ConclaveAppOptions, ServedConfig } from './server/app-options.ts';
export { Lifecycle } from './server/lifecycle.ts';
export { conclaveListener, type CertificateOptions } from './server/node-server.ts';
export { serveConclave, type ConclaveServer, type ServeConclaveOptions } from './server/serve.ts';
export { shutDown, type ShutDownSteps } from './server/shut-down.ts';
export type { Scope, TokenOptions } from './server/tokens.ts';
export type { HealthReport, HealthResult, HealthStatus } from './observability/health.ts';
