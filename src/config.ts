/** Configuration that is reloaded while a process runs. */
export { createConfigReload, ConfigReload } from './config-reload.ts';
export type { ConfigChange, ConfigDiff, ConfigReloadSnapshot, ReloadJournal } from './config-reload.ts';
export type { ConfigReloadOptions } from './config/reload-options.ts';
export type { SecretOptions } from './config/config-reader.ts';
export type { ConfigSchema } from './config/validate-schema.ts';
export type { ConfigEvent, ConfigEventOf, ConfigEventType, ReloadOutcome } from './config/reload-events.ts';
export type { RollbackOutcome, SharedOutcome } from './config/reload-outcomes.ts';
export type * from './config/head-store.ts';
export type { HeadRecord, HistoryRecord, MemberReport } from './config/head.ts';
export { memoryHead, type MemoryHead } from './config/memory-head.ts';
export type { HistoryEntry } from './config/reload-history.ts';
export type { ReloadStatus } from './config/reload-status.ts';
export type { Difference, Differences } from './config/difference.ts';
export type { PreparedChange, ReloadHandler } from './config/handlers.ts';
export type { HealthCheck } from './config/health-watch.ts';
export type * from './config/source.ts';
export { fileSource, type FileSourceOptions } from './config/source-files.ts';
export { systemDisk } from './config/source-system-disk.ts';
