// Does `wardkey manifest check` decide offline as an import would, with the trust that is named and no other?
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { CheckReport } from '../../cli/check.ts';
import { addManifestCheckCommand } from '../../cli/commands/manifest-check.ts';
import { TAR_END, tarMember } from '../../shared/whitelist/formats/tar.ts';
import { writeManifest, type ManifestLine } from '../../shared/whitelist/manifest.ts';
import { makeAuthority, makeDevice, makeSigner, type Party } from '../pki/certificates.ts';
import { arrayOf, makeChip } from '../pki/microchip-manifest.ts';
import { signManifest } from '../pki/sign-manifest.ts';

const GENUINE = join(import.meta.dirname, '../../../shared/corpora/manifests-microchip');
const AT = '2026-11-24T12:00:00Z';

let folder: string;
let out: string;
let authority: Party;
let signer: Party;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-check-'));
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== '');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  authority = await makeAuthority();
  signer = await makeSigner();
  write('ca.pem', authority.pem);
  write('signer.pem', signer.pem);
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  process.exitCode = undefined;
});

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** The exit code, and what was printed. */
async function check(file: string, ...options: readonly string[]) {
  const program = new Command('manifest').exitOverride();
  addManifestCheckCommand(program);
  await program.parseAsync(['node', 'manifest', 'check', ...options, join(folder, file), '--at', AT]);
  return { code: process.exitCode, text: out };
}

async function report(file: string, ...options: readonly string[]) {
  const { code, text } = await check(file, '--json', ...options);
  return { code, ...(JSON.parse(text) as CheckReport) };
}

const results = ({ lines }: CheckReport) => lines.map(({ result, refusal }) => refusal?.reason ?? result);
const trust = () => ['--signer', join(folder, 'signer.pem')];
const anchor = () => ['--anchor', join(folder, 'ca.pem')];

async function deliver(lines: readonly ManifestLine[], signedAt = '2026-11-01T00:00:00Z') {
  const text = writeManifest({ manufacturer: 'acme', product: 'pump', lot: 'L1' }, lines);
  write('lot.jsonl', text);
  write('lot.jsonl.jws', await signManifest(text, signer, signedAt));
}

async function line(serial: string, key?: string): Promise<ManifestLine> {
  const device = await makeDevice(authority, serial, key === undefined ? {} : { key });
  return { serial, certificate: device.der.toString('base64') };
}

describe('our own format', () => {
  test('accepts what its signer signed and its authority certified', async () => {
    await deliver([await line('A1'), await line('A2')]);
    const { code, manifest, totals, lines } = await report('lot.jsonl', ...trust(), ...anchor());
    const bytes = readFileSync(join(folder, 'lot.jsonl'));
    const { fingerprint } = signer.certificate;
    expect(manifest).toEqual({
      digest: hash('sha256', bytes),
      signer: fingerprint,
      signedAt: '2026-11-01T00:00:00.000Z',
    });
    expect([code, totals]).toEqual([0, { accepted: 2, waiting: 0, unchanged: 0, refused: 0, reasons: {} }]);
    expect(lines).toEqual([
      { line: 2, serial: 'A1', result: 'accepted' },
      { line: 3, serial: 'A2', result: 'accepted' },
    ]);
  });

  test('trusts nobody when nobody is named', async () => {
    await deliver([await line('A1')]);
    expect(await report('lot.jsonl', ...anchor())).toMatchObject({
      code: 1,
      refusal: { reason: 'signer-unknown' },
      totals: { accepted: 0, reasons: { 'signer-unknown': 1 } },
      lines: [],
    });
  });

  test('reads no line of a file whose signature fails', async () => {
    await deliver([await line('A1')]);
    write('lot.jsonl', writeManifest({ manufacturer: 'acme', product: 'pump', lot: 'L2' }, [await line('A1')]));
    expect(await report('lot.jsonl', ...trust())).toMatchObject({ code: 1, refusal: { reason: 'signature-invalid' } });
  });

  test('refuses a file without a signature beside it', async () => {
    write('lot.jsonl', writeManifest({ manufacturer: 'acme', product: 'pump', lot: 'L1' }, [await line('A1')]));
    expect(await report('lot.jsonl', ...trust())).toMatchObject({
      code: 1,
      refusal: { reason: 'signature-malformed' },
    });
  });

  test('decides at the time that is named', async () => {
    await deliver([await line('A1')], '2026-11-24T12:00:01Z');
    expect(await report('lot.jsonl', ...trust())).toMatchObject({ code: 1, refusal: { reason: 'signed-in-future' } });
  });

  test('decides for the manufacturer that is named', async () => {
    await deliver([await line('A1')]);
    const answer = await report('lot.jsonl', ...trust(), '--manufacturer', 'other');
    expect([answer.code, results(answer)]).toEqual([1, ['manufacturer-differs']]);
  });

  test('T011 T012 keeps the first of two devices with one serial number, or with one key', async () => {
    await deliver([await line('A1', 'one'), await line('A1', 'two'), await line('A2', 'one'), await line('A1', 'one')]);
    const answer = await report('lot.jsonl', ...trust());
    expect([answer.code, results(answer)]).toEqual([1, ['accepted', 'id-taken', 'key-taken', 'unchanged']]);
  });

  test('T020 takes two serial numbers that differ by case only for one: the first keeps the id', async () => {
    await deliver([await line('Ab1', 'one'), await line('aB1', 'two'), await line('AB1', 'one')]);
    const answer = await report('lot.jsonl', ...trust());
    expect([answer.code, results(answer)]).toEqual([1, ['accepted', 'id-taken', 'id-taken']]);
    expect(answer.lines[1]?.refusal).toMatchObject({ device: 'acme-aB1' });
  });

  test('refuses a file as a whole that holds other than the devices it announces, as the import does', async () => {
    const text = writeManifest({ manufacturer: 'acme', product: 'pump', lot: 'L1' }, [await line('A1')]);
    const cut = text.replace('"count":1', '"count":2');
    write('lot.jsonl', cut);
    write('lot.jsonl.jws', await signManifest(cut, signer, '2026-11-01T00:00:00Z'));
    expect(await report('lot.jsonl', ...trust())).toMatchObject({
      code: 1,
      refusal: { reason: 'count-differs', expected: 2, got: 1 },
      totals: { accepted: 0, reasons: { 'count-differs': 1 } },
      lines: [],
    });
  });

  test('refuses a device of another authority where one is named', async () => {
    await deliver([await line('A1')]);
    write('ca.pem', (await makeAuthority('Other Root')).pem);
    expect(results(await report('lot.jsonl', ...trust(), ...anchor()))).toEqual(['issuer-unknown']);
  });

  test('a file without devices proves nothing', async () => {
    await deliver([]);
    expect(await report('lot.jsonl', ...trust())).toMatchObject({ code: 1, lines: [] });
  });
});

describe('a Microchip manifest', () => {
  test('needs no signature beside it; a chip with bare keys waits', async () => {
    const leaf = await makeDevice(authority, 'sn0123F2408EA1FCF201');
    const chips = [
      await makeChip('0123f2408ea1fcf201', signer, { x5c: [leaf], key: leaf }),
      await makeChip('0123f2408ea1fcf202', signer, { key: signer }),
    ];
    write('reel.json', arrayOf(...chips));
    const answer = await report('reel.json', ...trust(), ...anchor());
    expect([answer.code, results(answer)]).toEqual([0, ['accepted', 'waiting']]);
  });
});

describe('a chip whose key comes first and whose certificate follows in the same file', () => {
  const ID = '0123f2408ea1fcf201';
  const bare = async (keyOf = ID) => makeChip(ID, signer, { key: await leafOf(keyOf) });
  const certified = async (keyOf = ID) => {
    const leaf = await leafOf(keyOf);
    return makeChip(ID, signer, { x5c: [leaf], key: leaf });
  };
  const leafOf = (key: string) => makeDevice(authority, `sn${ID.toUpperCase()}`, { key });

  test.each([
    ['with the chain checked', () => anchor()],
    ['with the chain unchecked', () => []],
  ])('is listed, %s, and is repeated from then on', async (_name, options) => {
    write('reel.json', arrayOf(await bare(), await bare(), await certified(), await certified(), await bare()));
    const answer = await report('reel.json', ...trust(), ...options());
    expect([answer.code, results(answer)]).toEqual([0, ['waiting', 'waiting', 'accepted', 'unchanged', 'unchanged']]);
  });

  test('T011 is refused when the certificate is of another key', async () => {
    write('reel.json', arrayOf(await bare(), await certified('another key')));
    expect(results(await report('reel.json', ...trust()))).toEqual(['waiting', 'id-taken']);
  });
});

/** Skipped where ../shared/corpora is missing. */
describe.skipIf(!existsSync(GENUINE))('T001 the genuine Microchip manifest', () => {
  const options = () => [
    ...['--signer', join(GENUINE, 'signers/MCHP_manifest_signer_5_Mar_6-2024_noExpiration.crt')],
    ...['--anchor', join(GENUINE, 'roots/Crypto_Authentication_Root_CA_002.crt')],
  ];

  test('is accepted with its signer, ten of ten, and refused after a bit is flipped', async () => {
    const bytes = readFileSync(join(GENUINE, 'ECC608C-TNGTLSU-B.json'));
    write('reel.json', bytes);
    expect(await report('reel.json', ...options())).toMatchObject({ code: 0, totals: { accepted: 10, refused: 0 } });
    out = '';
    bytes.writeUInt8((bytes[1000] ?? 0) ^ 1, 1000);
    write('reel.json', bytes);
    expect(await report('reel.json', ...options())).toMatchObject({ code: 1, totals: { accepted: 9, refused: 1 } });
  });
});

describe('an Infineon bundle', () => {
  test('is read from its folder as if it were packed, signed as the tar that its folder gives', async () => {
    const chip = '0A091B5C001500070063';
    const device = await makeDevice(authority, 'a hash');
    const members = ['E0E0', 'E0E1', 'E0E2'].map((slot) => {
      mkdirSync(join(folder, 'reel', slot), { recursive: true });
      write(`reel/${slot}/${chip}_${slot}.pem`, device.pem);
      return tarMember({ name: `${slot}/${chip}_${slot}.pem`, bytes: Buffer.from(device.pem) });
    });
    const tar = Buffer.concat([...members, TAR_END]);
    const signature = await signManifest(tar, signer, '2026-11-01T00:00:00Z');
    write('reel.tar', tar);
    write('reel.tar.jws', signature);
    for (const name of ['reel.tar', 'reel']) {
      out = '';
      expect(results(await report(name, ...trust(), ...anchor()))).toEqual(['accepted']);
    }
  });
});

describe('for people', () => {
  test('prints a table, totals, reasons, and that chains were not checked', async () => {
    await deliver([await line('A1', 'one'), await line('A2', 'one')]);
    const { code, text } = await check('lot.jsonl', ...trust());
    expect(code).toBe(1);
    for (const part of ['A1', 'accepted 1', 'refused 1', 'key-taken: 1', 'chains were not checked']) {
      expect(text).toContain(part);
    }
  });

  test('prints 50 lines and how many more there are, or all', async () => {
    await deliver(await Promise.all(Array.from({ length: 52 }, (_none, index) => line(`A${index}`))));
    expect((await check('lot.jsonl', ...trust())).text).toMatch(/A49[^]*and 2 more/);
    expect(out).not.toContain('A51');
    expect((await check('lot.jsonl', ...trust(), '--all')).text).toContain('A51');
  });

  test('says of a file of no format that there is none', async () => {
    write('lot.xml', '');
    const { code, text } = await check('lot.xml', ...trust());
    expect([code, text]).toEqual([1, expect.stringContaining('format-unknown')]);
  });
});

describe('wrong use', () => {
  test.each<[string, readonly string[]]>([
    ['no such signer', ['--signer', '/nowhere/signer.pem']],
    ['a signer that is no certificate', ['--signer', import.meta.filename]],
    ['a time that is none', ['--at', 'yesterday']],
    ['a manufacturer that is none', ['--manufacturer', 'Acme Inc']],
  ])('%s', async (_title, options) => {
    await deliver([]);
    const program = new Command('manifest').exitOverride();
    addManifestCheckCommand(program);
    const args = ['node', 'manifest', 'check', join(folder, 'lot.jsonl'), ...options];
    await expect(program.parseAsync(args)).rejects.toThrow(/signer|certificate|time|manufacturer/);
  });

  test('no such file', async () => {
    await expect(check('nothing.jsonl')).rejects.toThrow('cannot read');
  });
});
