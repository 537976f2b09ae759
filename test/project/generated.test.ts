import { expect, test } from 'vitest';
import { errorsPage } from '../../scripts/errors-page.ts';
import { leaseScriptsModule } from '../../scripts/lease-scripts.ts';
import { metricsPage } from '../../scripts/metrics-page.ts';
import { settingsPage } from '../../scripts/settings-page.ts';
import { read } from './repository.ts';

test('docs/errors.md says what the error table says', () => {
  expect(read('docs/errors.md')).toBe(errorsPage());
});

test('docs/metrics.md says what the catalogue of metrics says', () => {
  expect(read('docs/metrics.md')).toBe(metricsPage());
});

test('docs/settings.md says what the catalogue of settings says', () => {
  expect(read('docs/settings.md')).toBe(settingsPage());
});

test('src/lease/redis-lua.ts holds the scripts of src/lease/scripts', () => {
  expect(read('src/lease/redis-lua.ts')).toBe(leaseScriptsModule());
});
