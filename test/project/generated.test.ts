import { expect, test } from 'vitest';
import { errorsPage } from '../../scripts/errors-page.ts';
import { read } from './repository.ts';

test('docs/errors.md says what the error table says', () => {
  expect(read('docs/errors.md')).toBe(errorsPage());
});
