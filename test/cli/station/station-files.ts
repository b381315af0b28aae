// Which files are in a station, and does each device have one key and the one certificate that belongs to it?
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect } from 'vitest';

import type { Station } from '../../../cli/station/station.ts';

/** Paths from `folder`, in order. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

export function contentsOf(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(filesIn(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

/** Exactly these devices, each with one key and one certificate of that key, issued by this station, and nothing else. */
export function expectMade(station: Station, serials: readonly string[]): void {
  const folder = join(station.folder, 'devices');
  const expected = serials.flatMap((serial) => [`${serial}/device.key.pem`, `${serial}/device.pem`]);
  expect(filesIn(folder)).toEqual(expected.sort());
  const authority = new X509Certificate(readFileSync(station.authorityFile));
  const keys = serials.map((serial) => {
    const certificate = new X509Certificate(readFileSync(join(folder, serial, 'device.pem')));
    const key = createPrivateKey(readFileSync(join(folder, serial, 'device.key.pem')));
    const facts = [certificate.subject, certificate.checkPrivateKey(key), certificate.verify(authority.publicKey)];
    expect(facts).toEqual([`CN=${serial}`, true, true]);
    return certificate.publicKey.export({ format: 'der', type: 'spki' }).toString('hex');
  });
  expect(new Set(keys).size).toBe(serials.length);
}
