// Is a file there in full or not at all, and never in the place of another?
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, test, vi } from 'vitest';

import { createFile, PUBLIC, removeDrafts, replaceFile, SECRET } from '../../../cli/station/durable-file.ts';
import { newFolder } from '../folders.ts';

vi.mock('node:fs', { spy: true });

let folder: string;
let file: string;

beforeEach(() => {
  folder = newFolder();
  file = join(folder, 'a.pem');
});

test.each([SECRET, PUBLIC])('creates a file with its content and mode %i, and leaves no draft', (mode) => {
  expect(createFile(file, { text: 'first', mode })).toBe(true);
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['first', mode]);
  expect(readdirSync(folder)).toEqual(['a.pem']);
});

test('the first to create a file wins: the other is told so, and the file stays', () => {
  createFile(file, { text: 'first', mode: SECRET });
  expect(createFile(file, { text: 'second', mode: PUBLIC })).toBe(false);
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['first', SECRET]);
  expect(readdirSync(folder)).toEqual(['a.pem']);
});

test('replaces a file, and makes one that is not there', () => {
  for (const text of ['first', 'second']) {
    replaceFile(file, { text, mode: PUBLIC });
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
  expect(readdirSync(folder)).toEqual(['a.pem']);
});

test('lets other failures through', () => {
  const nowhere = join(folder, 'none/a.pem');
  expect(() => createFile(nowhere, { text: '', mode: PUBLIC })).toThrow('ENOENT');
  mkdirSync(file);
  expect(() => {
    replaceFile(file, { text: '', mode: PUBLIC });
  }).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
});

test('says so where a file system has no hard links, and leaves no draft', () => {
  vi.mocked(linkSync).mockImplementationOnce(() => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
  });
  expect(() => createFile(file, { text: '', mode: PUBLIC })).toThrow('EPERM');
  expect(readdirSync(folder)).toEqual([]);
});

test('removes drafts and nothing else', () => {
  for (const name of ['.a.pem.1.draft', 'a.draft', '.hidden', 'a.pem']) writeFileSync(join(folder, name), '');
  removeDrafts(folder);
  expect(readdirSync(folder).sort()).toEqual(['.hidden', 'a.draft', 'a.pem']);
});
