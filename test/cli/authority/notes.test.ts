// Does a ceremony that was interrupted go on where it stopped, and never twice?
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { openNotes } from '../../../cli/authority/notes.ts';
import { openSigner } from '../../../cli/authority/signers.ts';
import { UsageError } from '../../../cli/terminal.ts';

let folder: string;
let made: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-ceremony-'));
  made = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const make = (name: string) => () => {
  made.push(name);
  return Promise.resolve(`made ${name}`);
};

test('makes each thing once, however often the ceremony is begun again', async () => {
  for (let run = 0; run < 3; run += 1) {
    const notes = openNotes(folder, 'st-anna');
    expect(await notes.once('rootKeyArn', make('root'))).toBe('made root');
    expect(await notes.once('issuingKeyArn', make('issuing'))).toBe('made issuing');
  }
  expect(made).toEqual(['root', 'issuing']);
  expect(openNotes(folder, 'st-anna').read('rootKeyArn')).toBe('made root');
});

test('notes nothing of what failed, and keeps what was noted before', async () => {
  const notes = openNotes(folder, 'st-anna');
  await notes.once('rootKeyArn', make('root'));
  await expect(notes.once('rootCertificate', () => Promise.reject(new Error('killed')))).rejects.toThrow('killed');
  const again = openNotes(folder, 'st-anna');
  expect([again.read('rootKeyArn'), again.read('rootCertificate')]).toEqual(['made root', undefined]);
});

test('refuses a folder that holds another ceremony, and leaves it as it is', async () => {
  await openNotes(folder, 'st-anna').once('rootKeyArn', make('root'));
  const before = readFileSync(join(folder, 'ceremony.json'), 'utf8');
  expect(() => openNotes(folder, 'st-bede')).toThrow(UsageError);
  expect(readFileSync(join(folder, 'ceremony.json'), 'utf8')).toBe(before);
});

test('refuses notes that cannot be read, rather than making every key anew', () => {
  writeFileSync(join(folder, 'ceremony.json'), '{"rootKeyArn": "arn');
  expect(() => openNotes(folder, 'st-anna')).toThrow(/cannot be read/);
});

test('leaves nothing before there is something to note', () => {
  openNotes(join(folder, 'new'), 'st-anna');
  expect(readdirSync(folder)).toEqual([]);
});

test('keeps its notes to this user', async () => {
  await openNotes(folder, 'st-anna').once('rootKeyArn', make('root'));
  expect(statSync(join(folder, 'ceremony.json')).mode & 0o077).toBe(0);
});

test.each([
  ['an alias', 'alias/root'],
  ['a bare id', '11111111-2222-4333-8444-555555555555'],
  ['a URI that cannot be used', 'pkcs11:token=a'],
  ['a URI with a PIN in it', 'pkcs11:token=a;object=b?module-path=/opt/p11.so&pin-value=1234'],
])('names no signer by %s', (_title, text) => {
  const wish = { owner: 'st-anna', purpose: 'root', algorithm: 'ES256' } as const;
  const place = { prefix: 'wardkey', config: { region: 'eu-central-1' } };
  expect(() => openSigner(text, wish, place)).toThrow(UsageError);
});
