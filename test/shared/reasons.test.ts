// Does every reason say its sentence, in one form?
import { expect, test } from 'vitest';

import { REASONS } from '../../shared/reasons.ts';

const entries = Object.entries(REASONS);

test.each(entries)('the reason %s has one plain sentence', (reason, { sentence }) => {
  expect(reason).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(sentence).toMatch(/^[a-z].{10,}[^.\s]$/);
});

test('no two reasons say the same', () => {
  const sentences = entries.map(([, { sentence }]) => sentence);
  expect(new Set(sentences).size).toBe(sentences.length);
});
