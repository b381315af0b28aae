// What do `wardkey hsm doctor` and `wardkey hsm connect-key-store` print, and with what do they exit? The whole commands, against
// a server of ours that answers as AWS CloudHSM and AWS KMS document.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { addHsmCommands } from '../../../cli/commands/hsm.ts';
import { UsageError } from '../../../cli/terminal.ts';
import type { HsmCluster } from '../../../shared/ports.ts';
import { openHsmHttp, type HsmHttp } from '../../fakes/hsm-http.ts';
import { MemoryHsmFleet } from '../../fakes/memory-hsm-fleet.ts';
import { MemoryKeyStores } from '../../fakes/memory-key-stores.ts';
import { CLUSTER, makeBackup, makeCluster, makeCustomerAuthority, makeKeyStore } from '../../pki/hsm-cluster.ts';

const PASSWORD = 'Canary5150';

let folder: string;
let fleet: MemoryHsmFleet;
let stores: MemoryKeyStores;
let http: HsmHttp;
let cluster: HsmCluster;
let printed: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wardkey-hsm-'));
  fleet = new MemoryHsmFleet();
  stores = new MemoryKeyStores(fleet);
  stores.kmsuserPassword = PASSWORD;
  stores.patience = 1; // connected at the next look: nobody waits here
  http = await openHsmHttp(fleet, stores);
  const anchor = await makeCustomerAuthority();
  cluster = await makeCluster(anchor);
  fleet.seed(cluster, [makeBackup({ createdAt: new Date(Date.now()).toISOString() })]);
  writeFileSync(join(folder, 'customerCA.crt'), anchor.pem);
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`);
  vi.stubEnv('AWS_ENDPOINT_URL', http.endpoint);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  // Colours are for terminals, of which whoever runs the tests may have one.
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('NO_COLOR', '1');
});
afterEach(async () => {
  await http.close();
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

async function run(...args: readonly string[]): Promise<string> {
  printed = '';
  const keep = (chunk: unknown) => {
    printed += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  const program = new Command();
  addHsmCommands(program);
  try {
    await program.parseAsync(['hsm', ...args], { from: 'user' });
  } finally {
    vi.restoreAllMocks();
  }
  return printed;
}

const file = (name: string) => join(folder, name);
const connect = (...args: readonly string[]) =>
  run('connect-key-store', '--cluster', CLUSTER, '--name', 'ward', '--trust-anchor', file('customerCA.crt'), ...args);
const acts = () => http.calls.map(({ action }) => action).filter((action) => !action.includes('Describe'));

describe('doctor', () => {
  test('exits with 0 when nothing is wrong', async () => {
    expect(await run('doctor')).toContain('well: nothing is wrong that AWS could tell of');
    expect(process.exitCode).toBe(0);
  });

  test('exits with 1 when anything is, and shows each finding with its article', async () => {
    fleet.seed({ ...cluster, mode: 'NON_FIPS', hsms: [] }, [
      makeBackup({ createdAt: new Date(Date.now()).toISOString() }),
    ]);
    const text = await run('doctor');
    expect(process.exitCode).toBe(1);
    for (const word of [CLUSTER, 'no-active-hsm', 'infra/README.md#hsms-too-few', 'not-fips', 'broken', 'at-risk'])
      expect(text).toContain(word);
  });

  test('with --json it is one document on stdout', async () => {
    stores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'INVALID_CREDENTIALS' }));
    const text = await run('doctor', '--json');
    const json: unknown = JSON.parse(text.slice(text.indexOf('{\n')));
    expect(json).toMatchObject({
      outcome: 'wrong',
      findings: [{ code: 'key-store-failed', article: 'key-store-failed' }],
    });
  });

  test('of one cluster it says nothing of another, and that one is not there is a finding', async () => {
    fleet.seed({ ...cluster, id: 'cluster-other', hsms: [] });
    stores.seed(makeKeyStore({ clusterId: 'cluster-other', connection: 'DISCONNECTED' }));
    expect(await run('doctor', '--cluster', CLUSTER)).toContain('well');
    expect(await run('doctor', '--cluster', 'cluster-absent')).toContain('no-cluster');
    expect(process.exitCode).toBe(1);
  });

  test('T122 what AWS is told to say cannot steer the terminal', async () => {
    stores.seed(makeKeyStore({ name: 'ward\u001b[2J', connection: 'DISCONNECTED' }));
    expect(await run('doctor')).not.toContain('\u001b[2J');
  });
});

describe('connect-key-store', () => {
  test('without --yes looks only, says what it would do, and what a person must look at', async () => {
    const text = await connect();
    expect(process.exitCode).toBe(0);
    expect(acts()).toEqual([]);
    for (const words of ['would create and connect', 'Add --yes', 'cloudhsm-cli: user list', 'TCP 2223 to 2225'])
      expect(text).toContain(words);
  });

  test('without --yes it says of one that is there that it goes on with it', async () => {
    stores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
    expect(await connect()).toContain('would go on with cks-1234567890abcdef0, which is DISCONNECTED');
  });

  test('with a precondition that is not met nothing is changed, and the one is named', async () => {
    fleet.seed({ ...cluster, hsms: cluster.hsms.slice(1) });
    const text = await connect('--yes', '--password-file', file('password'));
    expect(process.exitCode).toBe(1);
    expect(acts()).toEqual([]);
    expect(text).toContain('✗ it has active HSMs in two Availability Zones: expected 2 or more, got 1');
    expect(text).toContain('✓ the cluster is ACTIVE');
    expect(text).toContain('refused: nothing was changed');
  });

  test('with --yes creates and connects, and prints the password nowhere', async () => {
    const text = await connect('--yes', '--password-file', file('password'));
    expect(text).toContain(`on ${CLUSTER}`);
    expect(text).toContain('connected: key store cks-');
    expect(acts()).toEqual(['TrentService.CreateCustomKeyStore', 'TrentService.ConnectCustomKeyStore']);
    expect(text).not.toContain(PASSWORD);
  });

  test('an order that KMS fails exits with 1, and says what happened, what there is to do, and where it stands', async () => {
    stores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'USER_NOT_FOUND' }));
    const text = await connect('--yes');
    expect(process.exitCode).toBe(1);
    expect(text).toContain('failed: USER_NOT_FOUND: the cluster has no crypto user named kmsuser');
    expect(text).toContain('--password-changed');
    expect(text).toContain('infra/README.md#key-store-failed');
  });

  test.each(['short1', 'with space 1', 'a'.repeat(33), ''])(
    'the password "%s" is refused before anything is asked of AWS, and is not quoted',
    async (password) => {
      writeFileSync(file('password'), password);
      const ran = connect('--yes', '--password-file', file('password'));
      await expect(ran).rejects.toThrow(UsageError);
      await expect(ran).rejects.toThrow('expected 7 to 32 letters and digits, and nothing else');
      expect(http.calls).toEqual([]);
    },
  );

  test('without a file and without a terminal there is nobody to ask for the password', async () => {
    const ran = connect('--yes');
    await expect(ran).rejects.toThrow('expected --password-file, or a terminal');
    expect(acts()).toEqual([]);
  });
});
