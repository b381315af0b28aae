// Does `wardkey certificate check` say what the validator says, with the trust and the time that are named and no other?
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command, CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { addCertificateCommands } from '../../cli/commands/certificate-check.ts';
import { UsageError } from '../../cli/terminal.ts';
import { craft, craftAuthority, craftDevice, keyUsage, type Crafted } from '../pki/crafted.ts';
import { craftListDer } from '../pki/crafted-list.ts';

const AT = '2026-11-24T12:00:00Z';
const root = craftAuthority({ name: 'Root' });
const upper = craftAuthority({ name: 'Upper', issuer: root });
const device = craftDevice({ name: 'A1', issuer: upper, serial: '0a' });

let folder: string;
let out: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-certificate-'));
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== '');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  write('root.pem', pemOf(root));
  write('upper.pem', pemOf(upper));
  write('device.pem', pemOf(device));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  process.exitCode = undefined;
});

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, name), content);
}

function pemOf({ certificate }: Crafted): string {
  return certificate.x509.toString();
}

/** File names stand for files in the folder; --at is there unless told. */
async function run(...words: readonly string[]) {
  const program = new Command('wardkey').exitOverride().configureOutput({ writeErr: () => undefined });
  addCertificateCommands(program);
  for (const command of program.commands.flatMap((each) => [each, ...each.commands]))
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  const named = words.map((word) => (/\.(pem|der|crl)$/.test(word) ? join(folder, word) : word));
  await program.parseAsync(['certificate', 'check', ...named], { from: 'user' });
  return { code: process.exitCode, text: out };
}

const check = (...words: readonly string[]) => run('device.pem', '--anchor', 'root.pem', '--at', AT, ...words);

describe('a path that holds', () => {
  test('is shown from the leaf to the anchor, with the verdict last', async () => {
    const { code, text } = await check('--chain', 'upper.pem');
    expect(code).toBe(0);
    expect(text).toMatch(/leaf[^\n]+CN=A1[\s\S]+issuer[^\n]+CN=Upper[\s\S]+anchor[^\n]+CN=Root/);
    expect(text).toMatch(/revocation: not asked[\s\S]*accepted: as device at 2026-11-24T12:00:00.000Z\n$/);
  });

  test('is one JSON document with --json', async () => {
    const { code, text } = await check('--chain', 'upper.pem', '--json');
    const answer = JSON.parse(text) as { readonly path: readonly object[] };
    expect([code, answer]).toMatchObject([0, { outcome: 'accepted', usage: 'device', at: '2026-11-24T12:00:00.000Z' }]);
    expect(answer.path).toMatchObject(
      [device, upper, root].map(({ certificate }, index) => ({
        place: ['leaf', 'issuer', 'anchor'][index],
        fingerprint: certificate.fingerprint,
        serial: index === 0 ? '0a' : certificate.x509.serialNumber.toLowerCase(),
      })),
    );
  });

  test('is found in bundles: several anchors in one file, several files, issuers in any order', async () => {
    write('anchors.pem', pemOf(craftAuthority({ name: 'Other' })) + pemOf(root));
    write('bundle.pem', pemOf(craftAuthority({ name: 'Stray' })) + pemOf(upper));
    const words = ['device.pem', '--anchor', 'anchors.pem', '--chain', 'bundle.pem', '--at', AT];
    expect((await run(...words)).code).toBe(0);
    const apart = ['device.pem', '--anchor', 'upper.pem', '--anchor', 'root.pem', '--at', AT];
    expect((await run(...apart)).code).toBe(0);
  });

  test('is looked at for a chip and for any use when that is asked', async () => {
    write('chip.pem', pemOf(craft({ name: 'C1', issuer: root, extensions: [keyUsage('digitalSignature')] })));
    const codes = [];
    for (const usage of [[], ['--usage', 'device'], ['--usage', 'chip'], ['--usage', 'any']])
      codes.push((await run('chip.pem', '--anchor', 'root.pem', '--at', AT, ...usage)).code);
    expect(codes).toEqual([1, 1, 0, 1]);
  });

  test('needs revocation lists of every issuer when one is given, PEM or DER', async () => {
    const [ofRoot, ofUpper] = [root, upper].map((issuer) => craftListDer({ issuer })) as [Buffer, Buffer];
    const body = (ofRoot.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
    write('root.crl', `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`);
    write('upper.crl', ofUpper);
    const both = await check('--chain', 'upper.pem', '--crl', 'root.crl', '--crl', 'upper.crl');
    expect([both.code, both.text]).toEqual([0, expect.stringContaining('revocation: none of them is revoked')]);
    const one = await check('--chain', 'upper.pem', '--crl', 'root.crl');
    expect([one.code, one.text]).toEqual([1, expect.stringContaining('refused: crl-unavailable')]);
  });
});

describe('a path that does not hold is refused with exit code 1, its reason, a sentence and what was compared:', () => {
  test.each<[string, () => readonly string[], RegExp]>([
    ['no path', () => [], /refused: path-unknown: no path leads .+\(subject [0-9a-f]{64}, anchors 1\)/],
    [
      'an expired leaf',
      () => ['--chain', 'upper.pem', '--at', '2046-01-01T00:00:01Z'],
      /certificate-expired: .+\(notAfter 2046-01-01T00:00:00.000Z, now 2046-01-01T00:00:01.000Z\)/,
    ],
    [
      'a revoked leaf',
      () => {
        write('root.crl', craftListDer({ issuer: root }));
        write('upper.crl', craftListDer({ issuer: upper, revoked: [{ serial: '0a' }] }));
        return ['--chain', 'upper.pem', '--crl', 'upper.crl', '--crl', 'root.crl'];
      },
      /certificate-revoked: .+\(serial 0a, issuer [0-9a-f]{64}, revokedAt 2026-10-01T00:00:00.000Z\)/,
    ],
    [
      'a list that cannot be used',
      () => {
        write('upper.crl', craftListDer({ issuer: upper, extensions: [] }));
        return ['--chain', 'upper.pem', '--crl', 'upper.crl'];
      },
      /crl-unusable: /,
    ],
  ])('%s', async (_title, words, expected) => {
    const { code, text } = await check(...words());
    expect([code, text]).toEqual([1, expect.stringMatching(expected)]);
  });

  test('a certificate that is none, in a block of PEM', async () => {
    write('device.pem', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n');
    expect(await check()).toMatchObject({ code: 1, text: expect.stringContaining('certificate-malformed') as string });
  });

  test('as JSON too', async () => {
    const { code, text } = await check('--json');
    expect([code, JSON.parse(text)]).toMatchObject([1, { outcome: 'refused', refusal: { reason: 'path-unknown' } }]);
  });
});

describe('wrong use of the command line is named in one sentence:', () => {
  test.each<[string, readonly string[], string]>([
    ['a leaf that is not there', ['absent.pem', '--anchor', 'root.pem', '--at', AT], 'cannot read "'],
    ['a folder', ['.', '--anchor', 'root.pem', '--at', AT], 'cannot read "."'],
    [
      'a leaf of two certificates',
      ['two.pem', '--anchor', 'root.pem', '--at', AT],
      'expected one certificate in PEM, got 2',
    ],
    ['a leaf of none', ['note.pem', '--anchor', 'root.pem', '--at', AT], 'expected one certificate in PEM, got 0'],
    [
      'an anchor that is no certificate',
      ['device.pem', '--anchor', 'note.pem', '--at', AT],
      'expected certificates in PEM',
    ],
    [
      'a chain with a note',
      ['device.pem', '--anchor', 'root.pem', '--chain', 'noted.pem', '--at', AT],
      'nothing between them',
    ],
    [
      'a list that is none',
      ['device.pem', '--anchor', 'root.pem', '--crl', 'note.pem', '--at', AT],
      'expected one revocation list',
    ],
    [
      'a time that is none',
      ['device.pem', '--anchor', 'root.pem', '--at', 'tomorrow'],
      '--at "tomorrow": expected ISO 8601',
    ],
    [
      'a time without its zone',
      ['device.pem', '--anchor', 'root.pem', '--at', '2026-11-24T12:00:00'],
      'expected ISO 8601',
    ],
    [
      'a month that is none',
      ['device.pem', '--anchor', 'root.pem', '--at', '2026-13-01T00:00:00Z'],
      'expected ISO 8601',
    ],
  ])('%s', async (_title, words, message) => {
    write('two.pem', pemOf(device) + pemOf(root));
    write('note.pem', 'a note\n');
    write('noted.pem', `${pemOf(upper)}a note\n${pemOf(root)}`);
    const ran = run(...words);
    await expect(ran).rejects.toThrow(UsageError);
    await expect(ran).rejects.toThrow(message);
    expect(out).toBe('');
  });

  test.each<[string, readonly string[], string]>([
    ['no anchor: absence is no trust', ['device.pem', '--at', AT], "'--anchor <pem>' not specified"],
    [
      'no time: the clock of this machine is not asked',
      ['device.pem', '--anchor', 'root.pem'],
      "'--at <time>' not specified",
    ],
    [
      'an unknown use',
      ['device.pem', '--anchor', 'root.pem', '--at', AT, '--usage', 'server'],
      'Allowed choices are device, chip, any',
    ],
    [
      'an unknown option',
      ['device.pem', '--anchor', 'root.pem', '--at', AT, '--trust-all'],
      "unknown option '--trust-all'",
    ],
  ])('%s', async (_title, words, message) => {
    const ran = run(...words);
    await expect(ran).rejects.toThrow(CommanderError);
    await expect(ran).rejects.toThrow(message);
  });
});
