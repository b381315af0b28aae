// Does each issuing CA say in time which of its certificates have ended, under a number that only grows, whoever dies when?
import { describe, expect, test } from 'vitest';

import { publishAnswered } from '../../../../functions/issuance/publish-crl/answer.ts';
import { publishLists } from '../../../../functions/issuance/publish-crl/flow.ts';
import { parseRevocationList, verifyRevocationList } from '../../../../shared/identity/revocation-list.ts';
import type { IssuingAuthority } from '../../../../shared/issuance/authority.ts';
import { revokedKey } from '../../../../shared/issuance/ending.ts';
import {
  LIST_DAYS,
  listName,
  listStateKey,
  parseListState,
  pendingListName,
} from '../../../../shared/issuance/list-state.ts';
import type { SigningOrder } from '../../../../shared/ports.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { SoftwareCertificateSigner } from '../../../fakes/software-certificate-signer.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  holdCeremony,
  installAuthority,
  makeIssuanceScene,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type CeremonyWishes,
  type IssuanceScene,
} from '../../issuance-scene.ts';
import { entriesOf, gapsIn, kindsOf, OWNER } from '../../scene.ts';

const DAY = 86_400_000;
const HOME = { kind: 'pkcs11', name: 'issuing key 1' } as const;

describe('the first list of an issuing CA', () => {
  test('is published before anything has ended: whoever checks finds one', async () => {
    const { scene, issuer, run } = await listScene();
    expect(await run()).toEqual({ outcome: 'done', value: [{ issuer, number: 1, verdict: 'published' }] });
    const list = await publishedIn(scene, scene.issuing);
    expect(list).toMatchObject({
      number: '1',
      thisUpdate: '2026-11-24T12:00:00.000Z',
      nextUpdate: '2026-12-01T12:00:00.000Z',
      revoked: [],
    });
  });

  test('is recorded twice: what was going to be signed, and that it was published', async () => {
    const { scene, issuer, run } = await listScene();
    await run();
    expect(kindsOf(scene, `list/${issuer}`)).toEqual(['revocation-list-intended', 'revocation-list-published']);
    for (const { detail, stream } of entriesOf(scene).filter((entry) => entry.stream.startsWith('list/')))
      expect({ stream, detail }).toMatchObject({ detail: { owner: OWNER, inputs: { issuer, number: 1 } } });
    const attempts = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'signature-attempted');
    expect(attempts.map(({ detail }) => detail.inputs)).toMatchObject([{ issuer, list: 1, number: 1, call: 'kms-1' }]);
    expect(gapsIn(scene)).toEqual([]);
  });
});

describe('the next list', () => {
  test('comes when another certificate has ended, names it with its time and reason, and has the next number', async () => {
    const { scene, issuer, run } = await listScene();
    await run();
    const pump = await registerPump(scene);
    await rotate(scene, pump.id);
    await untilRenewal(scene, pump.id);
    const serial = serialOf(scene, pump.id);
    await rotate(scene, pump.id, { requestId: 'request-b' });
    expect(await run()).toMatchObject({ value: [{ issuer, number: 2, verdict: 'published' }] });
    const { number, revoked } = await publishedIn(scene, scene.issuing);
    expect(number).toBe('2');
    expect(revoked).toMatchObject([{ serial, reason: 'superseded' }]);
  });

  test('is not made while there is nothing new to say', async () => {
    const { scene, issuer, run } = await listScene();
    await run();
    scene.clock.advance((LIST_DAYS * DAY) / 2 - 1);
    const before = { written: scene.lists.written.length, entries: entriesOf(scene).length };
    expect(await run()).toEqual({ outcome: 'done', value: [{ issuer, number: 1, verdict: 'current' }] });
    expect({ written: scene.lists.written.length, entries: entriesOf(scene).length }).toEqual(before);
  });

  test('comes when half of the life of the last one is over, though nothing has ended', async () => {
    const { scene, issuer, run } = await listScene();
    await run();
    scene.clock.advance((LIST_DAYS * DAY) / 2);
    expect(await run()).toMatchObject({ value: [{ issuer, number: 2, verdict: 'published' }] });
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ nextUpdate: '2026-12-05T00:00:00.000Z' });
  });

  test('names a certificate until it stood on a list that was made after its end (RFC 5280 3.3)', async () => {
    const { scene, issuer, run } = await listScene();
    revoke(scene, issuer, { serial: '01', notAfter: '2026-11-30T12:00:00.000Z' });
    const named: unknown[] = [];
    for (let time = 0; time < 4; time += 1) {
      await run();
      const { thisUpdate, revoked } = await publishedIn(scene, scene.issuing);
      named.push([thisUpdate.slice(0, 10), revoked.length]);
      scene.clock.advance(4 * DAY);
    }
    expect(named).toEqual([
      ['2026-11-24', 1],
      ['2026-11-28', 1],
      // The first one after its end names it once more.
      ['2026-12-02', 1],
      ['2026-12-06', 0],
    ]);
  });

  test('is of a number that only grows, over any lists that end', async () => {
    const { scene, issuer, run } = await listScene();
    const numbers: string[] = [];
    for (let list = 1; list <= 6; list += 1) {
      revoke(scene, issuer, { serial: `0${list}`, notAfter: '2027-02-01T00:00:00.000Z' });
      await run();
      numbers.push((await publishedIn(scene, scene.issuing)).number);
      scene.clock.advance(1000);
    }
    expect(numbers).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(gapsIn(scene)).toEqual([]);
  });
});

describe('several issuing CAs', () => {
  test('have lists of their own: none names what another has ended', async () => {
    const { scene, run, issuer } = await listScene();
    const second = await installAuthority(scene, await holdCeremony({ owner: 'st-mary' }));
    revoke(scene, issuer, { serial: '0a', notAfter: '2027-02-01T00:00:00.000Z' });
    await run();
    expect((await publishedIn(scene, scene.issuing)).revoked).toHaveLength(1);
    expect((await publishedIn(scene, second)).revoked).toEqual([]);
  });

  test('that their owner has replaced go on: what they signed is checked still', async () => {
    const { scene, run } = await listScene();
    const second = await installAuthority(scene, await holdCeremony({ name: 'second' }));
    expect(await run()).toMatchObject({ value: [{ verdict: 'published' }, { verdict: 'published' }] });
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ number: '1' });
    expect(await publishedIn(scene, second)).toMatchObject({ number: '1' });
  });

  test.each([0, 1])('one of which has a dead key (%i) do not stop one another, and it is a fault', async (dead) => {
    const { scene, run } = await listScene();
    const second = await installAuthority(scene, await holdCeremony({ owner: 'st-mary' }));
    const [broken, other] = dead === 0 ? [scene.issuing, second] : [second, scene.issuing];
    scene.keys.disable(homeOf(broken));
    await expect(run()).rejects.toMatchObject({ code: 'key-unusable' });
    expect(await publishedIn(scene, other)).toMatchObject({ number: '1' });
    expect(await scene.lists.read(listName(broken.certificate.fingerprint))).toBeUndefined();
    scene.keys.enable(homeOf(broken));
    valueOf(await run());
    expect(await publishedIn(scene, broken)).toMatchObject({ number: '1' });
  });
});

describe('T092 a call that fails, lost or kept,', () => {
  test.each([1, 2])('leaves list %i to the next run, under one number', async (number) => {
    const model = await nthScene(number);
    const points = await faultPoints(fakesOf(model.scene), model.run);
    expect(new Set(points.map(({ fake, on }) => `${fake} ${on}`))).toEqual(
      new Set([
        'registry list',
        'registry read',
        'registry commit',
        'lists read',
        'lists write',
        'keys publicKey',
        'keys sign',
      ]),
    );
    for (const point of points) {
      const { scene, issuer, run } = await nthScene(number);
      plan(fakesOf(scene), point);
      // The scan of authorities comes before any of them; what fails behind it is counted, and thrown at the end.
      await expect(run(), JSON.stringify(point)).rejects.toSatisfy(
        (error: Error) => error instanceof InjectedFault || error.cause instanceof InjectedFault || isLost(error.cause),
      );
      valueOf(await run());
      const list = await publishedIn(scene, scene.issuing);
      expect(list, JSON.stringify(point)).toMatchObject({ number: String(number) });
      expect(list.revoked, JSON.stringify(point)).toHaveLength(number - 1);
      const kinds = Array.from({ length: number }, () => ['revocation-list-intended', 'revocation-list-published']);
      expect(kindsOf(scene, `list/${issuer}`), JSON.stringify(point)).toEqual(kinds.flat());
      expect(gapsIn(scene), JSON.stringify(point)).toEqual([]);
    }
  });

  test('after the bytes were fixed leaves them: the next run signs the same, and no other under this number', async () => {
    const { scene, issuer, run } = await listScene();
    scene.keys.failNext({ on: 'sign', kept: true });
    await expect(run()).rejects.toMatchObject({ code: 'key-unusable' });
    revoke(scene, issuer, { serial: '0a', notAfter: '2027-02-01T00:00:00.000Z' });
    scene.clock.advance(60_000);
    await run();
    const [first, second] = scene.keys.signed;
    expect(second?.bytes).toEqual(first?.bytes);
    expect((await publishedIn(scene, scene.issuing)).revoked).toEqual([]);
    // What ended meanwhile stands on the next one.
    expect(await run()).toMatchObject({ value: [{ number: 2 }] });
    expect((await publishedIn(scene, scene.issuing)).revoked).toHaveLength(1);
  });
});

describe('two workers', () => {
  test('of which one is faster store one list, and never sign two under one number', async () => {
    const { scene, run } = await listScene();
    scene.registry.beforeCommit(async () => {
      valueOf(await run());
    });
    await expect(run()).rejects.toMatchObject({ code: 'key-unusable', cause: { code: 'comparison-lost' } });
    expect(scene.keys.signed).toHaveLength(1);
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ number: '1' });
  });

  test('of which one sleeps before it writes put an older list over a newer one, until the next run looks', async () => {
    const { scene, issuer, run } = await listScene();
    const sleepy = asleepBeforeWriting(scene, issuer, async () => {
      valueOf(await run());
      revoke(scene, issuer, { serial: '0a', notAfter: '2027-02-01T00:00:00.000Z' });
      valueOf(await run());
    });
    valueOf(await publishLists(sleepy));
    expect((await publishedIn(scene, scene.issuing)).number).toBe('1');
    expect(await run()).toEqual({ outcome: 'done', value: [{ issuer, number: 2, verdict: 'published' }] });
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ number: '2', revoked: [{ serial: '0a' }] });
    expect(await run()).toMatchObject({ value: [{ number: 2, verdict: 'current' }] });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('find a list again that somebody took away, or changed', async () => {
    const { scene, issuer, run } = await listScene();
    await run();
    await scene.lists.write(listName(issuer), Buffer.from('no list'));
    expect(await run()).toMatchObject({ value: [{ number: 1, verdict: 'published' }] });
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ number: '1' });
  });

  test('never sign bytes that their row did not commit to', async () => {
    const { scene, issuer, run } = await listScene();
    scene.keys.failNext({ on: 'sign', kept: false });
    await expect(run()).rejects.toThrow();
    await scene.lists.write(pendingListName(issuer, 1), Buffer.from('other bytes'));
    await expect(run()).rejects.toMatchObject({ cause: { code: 'row-malformed' } });
    expect(scene.keys.signed).toEqual([]);
  });
});

describe('a list whose key lives in a token', () => {
  test('is ordered with its bytes, and published by the answer', async () => {
    const { scene, issuer, run } = await listScene({ home: HOME, name: 'token' });
    expect(await run()).toEqual({ outcome: 'done', value: [{ issuer, number: 1, verdict: 'ordered' }] });
    expect(await scene.lists.read(listName(issuer))).toBeUndefined();
    const [order] = scene.signing.requested;
    const tbs = Buffer.from((await scene.lists.read(pendingListName(issuer, 1))) ?? []).toString('base64');
    expect(order).toEqual({ intent: { kind: 'list', issuer, number: 1 }, key: HOME.name, algorithm: 'ES256', tbs });
    const answer = await answerTo(order, scene.ceremony.issuingSigner);
    expect(await publishAnswered(answer, scene)).toEqual({
      outcome: 'done',
      value: { issuer, number: 1, verdict: 'published' },
    });
    expect(await publishedIn(scene, scene.issuing)).toMatchObject({ number: '1' });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('is ordered again while no answer comes', async () => {
    const { scene, run } = await listScene({ home: HOME, name: 'token' });
    await run();
    scene.clock.advance(3_600_000);
    await run();
    const [first, second] = scene.signing.requested;
    expect(second).toEqual(first);
  });

  test('answered twice, or late, is published once', async () => {
    const { scene, issuer, answer } = await orderedScene();
    valueOf(await publishAnswered(answer, scene));
    const before = scene.lists.written.length;
    expect(await publishAnswered(answer, scene)).toMatchObject({ value: { issuer, verdict: 'current' } });
    expect(scene.lists.written).toHaveLength(before);
  });

  test.each([
    ['by another key', async ({ order }: Ordered) => answerTo(order, new SoftwareCertificateSigner())],
    [
      'over other bytes',
      async ({ order, scene }: Ordered) =>
        answerTo({ ...order, tbs: Buffer.from('other').toString('base64') }, scene.ceremony.issuingSigner),
    ],
  ])('T092 answered %s is not published', async (_title, wrongOf) => {
    const ordered = await orderedScene();
    const { scene, issuer, answer } = ordered;
    await expect(publishAnswered(await wrongOf(ordered), scene)).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(await scene.lists.read(listName(issuer))).toBeUndefined();
    expect(await publishAnswered(answer, scene)).toMatchObject({ value: { verdict: 'published' } });
  });

  test('answered for a number that nobody ordered changes nothing', async () => {
    const { scene, issuer, order } = await orderedScene();
    const intent = { kind: 'list', issuer, number: 2 } as const;
    const answer = await answerTo({ ...order, intent }, scene.ceremony.issuingSigner);
    expect(await publishAnswered(answer, scene)).toMatchObject({ value: { verdict: 'current' } });
    expect(await scene.lists.read(listName(issuer))).toBeUndefined();
  });

  test.each([
    ['for a certificate', { kind: 'certificate', device: 'acme-P1001', requestId: 'a' }],
    ['for nothing', {}],
  ])('answered %s is refused', async (_title, intent) => {
    const { scene } = await orderedScene();
    const answer = JSON.stringify({ intent, signature: 'AAAA' });
    expect(await publishAnswered(answer, scene)).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test('of a CA that nobody knows is a fault', async () => {
    const { scene, order } = await orderedScene();
    const intent = { kind: 'list', issuer: 'f'.repeat(64), number: 1 } as const;
    const answer = await answerTo({ ...order, intent }, scene.ceremony.issuingSigner);
    await expect(publishAnswered(answer, scene)).rejects.toMatchObject({ code: 'row-malformed' });
  });

  test('after any call of the answer that failed is published by the next', async () => {
    const model = await orderedScene();
    const points = await faultPoints(fakesOf(model.scene), () => publishAnswered(model.answer, model.scene));
    for (const point of points) {
      const { scene, answer } = await orderedScene();
      plan(fakesOf(scene), point);
      await expect(publishAnswered(answer, scene), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      valueOf(await publishAnswered(answer, scene));
      expect(await publishedIn(scene, scene.issuing), JSON.stringify(point)).toMatchObject({ number: '1' });
      expect(gapsIn(scene)).toEqual([]);
    }
  });
});

/** Once, when the signed list is about to be written. */
function asleepBeforeWriting(scene: IssuanceScene, issuer: string, meanwhile: () => Promise<void>): IssuanceScene {
  let slept = false;
  const lists = Object.create(scene.lists) as IssuanceScene['lists'];
  lists.read = (key) => scene.lists.read(key);
  lists.write = async (key, bytes) => {
    if (key === listName(issuer) && !slept) {
      slept = true;
      await meanwhile();
    }
    await scene.lists.write(key, bytes);
  };
  return { ...scene, lists };
}

function fakesOf({ registry, lists, keys }: IssuanceScene) {
  return { registry, lists, keys };
}

/** The one that lost an answer finds its own row there. */
function isLost(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'comparison-lost';
}

async function listScene(wishes: CeremonyWishes = {}) {
  const scene = await makeIssuanceScene(wishes);
  const issuer = scene.issuing.certificate.fingerprint;
  return { scene, issuer, run: () => publishLists(scene) };
}

/** One certificate has ended for each list after the first; the last list is not made yet. */
async function nthScene(number: number) {
  const { scene, issuer, run } = await listScene();
  for (let list = 1; list < number; list += 1) {
    await run();
    revoke(scene, issuer, { serial: `0${list}`, notAfter: '2027-02-01T00:00:00.000Z' });
  }
  return { scene, issuer, run };
}

type Ordered = Awaited<ReturnType<typeof orderedScene>>;

async function orderedScene() {
  const { scene, issuer, run } = await listScene({ home: HOME, name: 'token' });
  await run();
  const [order] = scene.signing.requested;
  if (order === undefined) throw new Error('scene: nothing was ordered');
  return { scene, issuer, order, answer: await answerTo(order, scene.ceremony.issuingSigner) };
}

async function answerTo(order: SigningOrder | undefined, signer: SoftwareCertificateSigner): Promise<string> {
  const signature = await signer.sign(Buffer.from(order?.tbs ?? '', 'base64'));
  return JSON.stringify({ intent: order?.intent, signature: Buffer.from(signature).toString('base64') });
}

interface Revoking {
  readonly serial: string;
  readonly notAfter: string;
}

function revoke(scene: IssuanceScene, issuer: string, { serial, notAfter }: Revoking): void {
  const row = { version: 1, serial, revokedAt: scene.clock.now(), reason: 'superseded', notAfter };
  scene.registry.seed(revokedKey(issuer, serial), row);
}

/** As a stranger would check it: our own reader, the issuer's certificate, and the time. */
async function publishedIn({ lists, clock, registry }: IssuanceScene, { certificate }: IssuingAuthority) {
  const der = await lists.read(listName(certificate.fingerprint));
  const list = valueOf(parseRevocationList(der ?? new Uint8Array()));
  const verified = valueOf(verifyRevocationList(list, certificate, clock.now()));
  const [state] = await registry.read([listStateKey(certificate.fingerprint)]);
  expect(parseListState(state).number).toBeGreaterThanOrEqual(Number(verified.number));
  return verified;
}

function serialOf(scene: IssuanceScene, device: string): string {
  const [row] = scene.registry.rows('devices').filter(({ pk, sk }) => pk === `device#${device}` && sk === 'row');
  return (row?.row['current'] as { serial: string }).serial;
}

function homeOf({ home }: IssuingAuthority): string {
  return home.kind === 'kms' ? home.keyArn : '';
}
