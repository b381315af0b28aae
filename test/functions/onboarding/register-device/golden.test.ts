// Does each recorded event still get the recorded answer and leave the recorded evidence?
// events/register-device/<case>.json meets test/golden/register-device/<case>.json; UPDATE_GOLDEN=1 writes the latter.
import { hash, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';

import { parseReplayFile, replayRegisterDevice } from '../../../../cli/replay.ts';
import { parseListing } from '../../../../shared/whitelist/listing.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const EVENTS = join(ROOT, 'events/register-device');
const GOLDEN = join(ROOT, 'test/golden/register-device');

const CASES = readdirSync(EVENTS).filter((name) => name.endsWith('.json'));

test('has a golden file for every event, and an event for every golden file', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(31);
  expect(readdirSync(GOLDEN).sort()).toEqual([...CASES].sort());
});

test.each(CASES)('replays %s to the recorded outcome and evidence', async (name) => {
  const replay = await replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
  const golden = join(GOLDEN, name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, await pretty(replay, golden));
  expect(JSON.parse(JSON.stringify(replay))).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
});

test('names each case after the answer it records', async () => {
  const answers = CASES.map(async (name) => {
    const { outcome } = await replayRegisterDevice(parseReplayFile(readFileSync(join(EVENTS, name), 'utf8')));
    return `${outcome.outcome === 'done' ? outcome.value.verdict : outcome.refusal.reason}.json`;
  });
  expect(await Promise.all(answers)).toEqual(CASES.map((name) => VARIANTS[name] ?? name));
});

/** More than one world leads to these answers. */
const VARIANTS: Readonly<Record<string, string>> = {
  'admitted-by-presence.json': 'admitted.json',
  'breaker-opens.json': 'another-key.json',
  'ignored-presence.json': 'ignored.json',
  'ignored-presence-unlisted.json': 'ignored.json',
  'quarantined-restricted.json': 'repeated.json',
  'repeated-by-presence.json': 'repeated.json',
};

test.each(CASES)('%s holds no private key, and its certificates are those that its hashes name', (name) => {
  const text = readFileSync(join(EVENTS, name), 'utf8');
  expect(text).not.toContain('PRIVATE KEY');
  const { broker, rows } = parseReplayFile(text).world;
  for (const [certificateId, pem] of Object.entries(broker))
    expect(hash('sha256', new X509Certificate(pem).raw)).toBe(certificateId);
  const listings = rows.filter(({ table, row }) => table === 'whitelist' && 'certificate' in row);
  for (const { row } of listings) {
    const { certificate, fingerprint, keyFingerprint } = parseListing(row);
    const { raw, publicKey } = new X509Certificate(Buffer.from(certificate ?? '', 'base64'));
    expect(hash('sha256', raw)).toBe(fingerprint);
    expect(hash('sha256', publicKey.export({ format: 'der', type: 'spki' }))).toBe(keyFingerprint);
  }
});

async function pretty(value: unknown, filepath: string): Promise<string> {
  return format(JSON.stringify(value), { ...(await resolveConfig(filepath)), parser: 'json' });
}
