// Which certificates and keys may not sign for an owner? Whatever a ceremony brings is read as if a stranger had sent it.
import { describe, expect, test } from 'vitest';

import { KEY_TAGS } from '../../../../shared/issuance/check-authority.ts';
import type { AuthorityTerms } from '../../../../shared/issuance/authority.ts';
import type { KeyDescription } from '../../../../shared/ports.ts';
import type { Refusal } from '../../../../shared/reasons.ts';
import { SoftwareCertificateSigner } from '../../../fakes/software-certificate-signer.ts';
import { holdCeremony, keyArnOf, type Ceremony, type KeyScene } from '../../issuance-scene.ts';
import { ACCOUNT, entriesOf, OWNER } from '../../scene.ts';
import { ceremonyScene, requestAuthority } from './acts.ts';

type Change = (terms: AuthorityTerms, other: Ceremony) => AuthorityTerms;

describe('certificates of an authority', () => {
  test.each<[string, Change, string]>([
    [
      'of another owner',
      (terms, { terms: of }) => ({ ...terms, certificate: of.certificate, root: of.root }),
      'profile',
    ],
    ['with the root of another', (terms, { terms: of }) => ({ ...terms, root: of.root }), 'profile'],
    ['with the root in the place of the issuing CA', (terms) => ({ ...terms, certificate: terms.root }), 'profile'],
    [
      'with the delivery key of another',
      (terms, { terms: of }) => ({ ...terms, delivery: { ...terms.delivery, certificate: of.delivery.certificate } }),
      'profile',
    ],
    ['that cannot be read', (terms) => ({ ...terms, root: 'AAAA' }), 'profile'],
    ['with a byte too many', (terms) => ({ ...terms, root: longer(terms.root) }), 'profile'],
    ['of another algorithm than is said', (terms) => ({ ...terms, algorithm: 'ES384' }), 'ES384'],
  ])('%s are refused', async (_title, change, problem) => {
    const { scene, ceremony } = await ceremonyScene();
    const other = await holdCeremony({ owner: 'st-mary' });
    const refusal = await refusalOf(scene, change(ceremony.terms, other));
    expect(refusal).toEqual({ reason: 'authority-unfit', problem: expect.stringContaining(problem) as string });
  });

  test('that are whole, and named for another owner, are refused', async () => {
    const { scene } = await ceremonyScene();
    const other = await holdCeremony({ owner: 'st-mary' });
    const refusal = await refusalOf(scene, { ...other.terms, owner: OWNER });
    expect(refusal).toEqual({
      reason: 'authority-unfit',
      problem: `expected certificates that are named for ${OWNER}`,
    });
  });

  test('that end before what they would sign are refused', async () => {
    const { scene } = await ceremonyScene();
    const short = await holdCeremony({ issuingDays: 60, name: 'short' });
    const refusal = await refusalOf(scene, short.terms);
    expect(refusal).toEqual({ reason: 'authority-unfit', problem: 'expected a chain that outlives what it signs' });
  });

  test('that will have ended when they are asked for are refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    // The issuing CA lives for five years.
    scene.clock.set('2031-11-24T12:00:00.000Z');
    expect(await refusalOf(scene, ceremony.terms)).toMatchObject({ reason: 'authority-unfit' });
  });

  test.each(['ftp://crl.example/a.crl', 'crl', 'https://user@crl.example/a.crl'])(
    'whose lists are found at %s are refused',
    async (crlUrl) => {
      const { scene, ceremony } = await ceremonyScene();
      expect(await refusalOf(scene, { ...ceremony.terms, crlUrl })).toMatchObject({ reason: 'request-malformed' });
    },
  );

  test('that would be valid for longer than a year and a month are refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const refusal = await refusalOf(scene, { ...ceremony.terms, validityDays: 398 });
    expect(refusal).toMatchObject({ reason: 'request-malformed' });
  });
});

function longer(base64: string): string {
  return Buffer.concat([Buffer.from(base64, 'base64'), Buffer.from([0])]).toString('base64');
}

type KeyChange = (key: KeyDescription) => KeyDescription | undefined;
const policyOf = (...statements: readonly object[]) => JSON.stringify({ Statement: statements });
const ours = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/signer` } };
const tagged = (purpose: string, owner: string) => ({ [KEY_TAGS.purpose]: purpose, [KEY_TAGS.owner]: owner });

const UNFIT: readonly [string, KeyChange, string][] = [
  ['is not there', () => undefined, 'there is no such key'],
  ['is disabled', (key) => ({ ...key, status: 'Disabled' }), 'got Disabled'],
  ['waits for its deletion', (key) => ({ ...key, status: 'PendingDeletion' }), 'got PendingDeletion'],
  ['is of another kind', (key) => ({ ...key, spec: 'RSA_2048' }), 'got RSA_2048'],
  ['has another use', (key) => ({ ...key, usage: 'KEY_AGREEMENT' }), 'got ECC_NIST_P256 for KEY_AGREEMENT'],
  ['has another purpose', (key) => ({ ...key, tags: tagged('root', OWNER) }), 'got root and st-anna'],
  ['is of another owner', (key) => ({ ...key, tags: tagged('issuing', 'st-mary') }), 'got issuing and st-mary'],
  ['has no tags', (key) => ({ ...key, tags: {} }), 'got none and none'],
  [
    'lets in another account',
    (key) => ({
      ...key,
      policy: policyOf(ours, { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::999999999999:root' } }),
    }),
    'lets in arn:aws:iam::999999999999:root',
  ],
  ['lets in anybody', (key) => ({ ...key, policy: policyOf({ Effect: 'Allow', Principal: '*' }) }), 'lets in *'],
  [
    'lets in anybody of AWS',
    (key) => ({ ...key, policy: policyOf(ours, { Effect: 'Allow', Principal: { AWS: [ACCOUNT, '*'] } }) }),
    'lets in *',
  ],
  [
    'lets in a service',
    (key) => ({ ...key, policy: policyOf({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }) }),
    'lets in Service lambda.amazonaws.com',
  ],
  [
    'lets in whoever it does not name',
    (key) => ({ ...key, policy: policyOf({ Effect: 'Allow', NotPrincipal: { AWS: ACCOUNT } }) }),
    'lets in undefined',
  ],
  ['lets in an account whose number begins alike', (key) => ({ ...key, policy: policyOf(alike) }), 'lets in arn:aws'],
  ['has a policy that cannot be read', (key) => ({ ...key, policy: '{' }), 'cannot be read'],
  ['has a policy of another form', (key) => ({ ...key, policy: '{"Statement":"all"}' }), 'cannot be read'],
];
const alike = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}9:root` } };

describe('a signing key that', () => {
  test.each(UNFIT)('%s is refused', async (_title, change, problem) => {
    const { scene, ceremony } = await ceremonyScene();
    const { home } = ceremony.terms;
    const keyArn = home.kind === 'kms' ? home.keyArn : '';
    await changeKey(scene, keyArn, change);
    expect(await refusalOf(scene, ceremony.terms)).toEqual({
      reason: 'key-unfit',
      key: keyArn,
      problem: expect.stringContaining(problem) as string,
    });
  });

  test('is not the one of the issuing certificate is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const { home } = ceremony.terms;
    const publicKey = await new SoftwareCertificateSigner().publicKey();
    await changeKey(scene, home.kind === 'kms' ? home.keyArn : '', (key) => ({ ...key, publicKey }));
    expect(await refusalOf(scene, ceremony.terms)).toMatchObject({
      reason: 'key-unfit',
      problem: 'it is not the key of the issuing certificate',
    });
  });

  test('refuses somebody by name lets nobody in by that, and is taken', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const { home } = ceremony.terms;
    const denied = { Effect: 'Deny', Principal: '*' };
    await changeKey(scene, home.kind === 'kms' ? home.keyArn : '', (key) => ({
      ...key,
      policy: policyOf(ours, denied),
    }));
    expect(await requestAuthority(scene, ceremony.terms)).toMatchObject({ outcome: 'done' });
  });

  test('lives in a token is looked at by nobody here: its signatures are verified, one by one', async () => {
    const { scene, ceremony } = await ceremonyScene({ home: { kind: 'pkcs11', name: 'key 1' }, name: 'token' });
    expect(await requestAuthority(scene, ceremony.terms)).toMatchObject({ outcome: 'done' });
    expect(scene.inspector.calls).toHaveLength(1);
  });
});

describe('a key that seals the delivery key and', () => {
  test.each<[string, KeyChange, string]>([
    ['is not there', () => undefined, 'there is no such key'],
    ['signs', (key) => ({ ...key, spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' }), 'expected SYMMETRIC_DEFAULT'],
    ['is there to sign', (key) => ({ ...key, tags: tagged('issuing', OWNER) }), 'got issuing and st-anna'],
    ['is of another owner', (key) => ({ ...key, tags: tagged('delivery', 'st-mary') }), 'got delivery and st-mary'],
  ])('%s is refused', async (_title, change, problem) => {
    const { scene, ceremony } = await ceremonyScene();
    const { keyArn } = ceremony.terms.delivery;
    await changeKey(scene, keyArn, change);
    expect(await refusalOf(scene, ceremony.terms)).toEqual({
      reason: 'key-unfit',
      key: keyArn,
      problem: expect.stringContaining(problem) as string,
    });
  });

  test('is that of another owner, by its ARN, is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const delivery = { ...ceremony.terms.delivery, keyArn: keyArnOf('delivery st-mary first') };
    expect(await refusalOf(scene, { ...ceremony.terms, delivery })).toMatchObject({ reason: 'key-unfit' });
  });
});

async function changeKey({ inspector }: KeyScene, keyArn: string, change: KeyChange): Promise<void> {
  const key = await inspector.describe(keyArn);
  if (key === undefined) throw new Error('scene: no such key');
  inspector.seed(keyArn, change(key));
}

/** Refused and on record; nobody is asked to approve it. */
async function refusalOf(scene: KeyScene, terms: AuthorityTerms): Promise<Refusal> {
  const outcome = await requestAuthority(scene, terms);
  if (outcome.outcome === 'done') throw new Error('expected a refusal');
  expect(entriesOf(scene).map(({ leaf }) => leaf.kind)).toEqual(['act-refused']);
  expect(scene.registry.rows('owners').filter(({ pk }) => pk.startsWith('approval#'))).toEqual([]);
  return outcome.refusal;
}
