/** Makes every generated file anew: `npm run generate`. A test holds them equal to what this would write. */
import { writeFileSync } from 'node:fs';
import { writeApiReference } from './api-reference.ts';
import { errorsPage } from './errors-page.ts';
import { grafanaDashboard } from './grafana-dashboard.ts';
import { leaseScriptsModule } from './lease-scripts.ts';
import { metricsPage } from './metrics-page.ts';
import { settingsPage } from './settings-page.ts';
import { trustPage } from './trust-page.ts';
import { readTrust } from './trust-record.ts';

writeApiReference();
writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage());
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage());
writeFileSync(new URL('../deploy/grafana/conclave.json', import.meta.url), grafanaDashboard());
writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsPage());
writeFileSync(new URL('../src/lease/redis-lua.ts', import.meta.url), leaseScriptsModule());
writeFileSync(new URL('../docs/trust.md', import.meta.url), await trustPage(readTrust()));
