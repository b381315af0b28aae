// How does a device come by its next certificate? It asks until it is answered, looks at what came, uses it and confirms it.
// What is on the disk before a message leaves: the question before `request`, the answer before the certificate's first use.
import { hash } from 'node:crypto';

import type { Confirmed, Issued, Rejected, Renew } from '../shared/issuance/messages.ts';
import { certificateTopic, readAnswer } from './answer.ts';
import { jittered } from './backoff.ts';
import { checkIssued } from './check-issued.ts';
import {
  certificateIdOf,
  withAnswer,
  withConfirmed,
  withoutRequest,
  withRequest,
  type Next,
  type Taken,
} from './identities.ts';
import { awaitMessage, leave, nowOf, reachBroker, send, subscribe, tell, type Life, type Link } from './link.ts';
import { makeRequest } from './request.ts';

/** Connected with an identity of which nothing is left to confirm. Throws `Lost` and `Stopped`. */
export async function settle(life: Life, signal: AbortSignal): Promise<Link> {
  const link = await reachBroker(life, signal);
  const { role } = link.candidate;
  return role === 'next' || role === 'spare' ? confirm(life, link, signal) : link;
}

/** A new key and its CSR, unless a question is open. Durable on return, and asked by `finishReplacement`. */
export async function openRequest({ store }: Life): Promise<void> {
  if (store.state().next === undefined) store.change(withRequest(store.state(), await makeRequest(store.factory.id)));
}

/**
 * Until the open question has become the certificate in use, confirmed; or the service has refused it. Throws `Lost` and
 * `Stopped`; after those, and after a power cut anywhere in here, the next call goes on with the same question.
 */
export async function finishReplacement(life: Life, signal: AbortSignal): Promise<'confirmed' | 'rejected'> {
  for (;;) {
    const link = await settle(life, signal);
    const { next } = life.store.state();
    if (next === undefined) return 'confirmed';
    if ((await ask(life, link, { next, signal })) === 'rejected') return 'rejected';
    await leave(life);
  }
}

/** With the same id and the same CSR as often as it takes (T088): the service answers one question once. */
async function ask(life: Life, link: Link, { next, signal }: Asking): Promise<'issued' | 'rejected'> {
  const { requestId, csr } = next;
  for (let attempt = 0; ; attempt += 1) {
    await publish(life, link, { topic: 'request', body: { requestId, csr }, signal });
    tell(life, { event: 'requested', requestId });
    const answer = await hearUntil(life, link, {
      attempt,
      signal,
      of: (body) => takeAnswer(life, link, { next, body }),
    });
    if (answer !== undefined) return answer;
  }
}

interface Asking {
  readonly next: Next;
  readonly signal: AbortSignal;
}

/** Undefined: no answer to this question, or none that we believe. */
function takeAnswer(
  life: Life,
  link: Link,
  { next, body }: { readonly next: Next; readonly body: Issued | Confirmed | Rejected },
): 'issued' | 'rejected' | undefined {
  if (!('requestId' in body) || body.requestId !== next.requestId) return undefined;
  if (!('kind' in body)) return drop(life, body);
  // A transfer gives a device a new owner, and so a new root, over its factory identity; over any other the root must stay.
  const pinned = link.candidate.role === 'factory' ? undefined : life.store.state().root;
  const { id } = life.store.factory;
  const taken = checkIssued({ id, answer: body, requested: next, pinned, now: life.clock.now() });
  if (taken.outcome === 'done') return take(life, taken.value);
  tell(life, { event: 'distrusted', reason: taken.refusal.reason });
  return undefined;
}

function take(life: Life, taken: Taken): 'issued' {
  const { store } = life;
  const before = store.state();
  const certificateId = certificateIdOf(taken.certificate);
  const again = before.next?.issued !== undefined && certificateIdOf(before.next.issued.certificate) === certificateId;
  store.change(withAnswer(before, taken));
  if (before.root !== taken.root)
    tell(life, { event: 'pinned', root: hash('sha256', Buffer.from(taken.root, 'base64url')) });
  life.turn = { role: 'next', refusals: 0 };
  life.lastIssued = nowOf(life);
  life.rejections = 0;
  // The same certificate once more is no progress: the broker may close it as before.
  if (!again) life.failures = 0;
  tell(life, { event: 'issued', certificateId, renewFrom: taken.renewFrom });
  return 'issued';
}

function drop(life: Life, { requestId }: Rejected): 'rejected' {
  life.store.change(withoutRequest(life.store.state()));
  life.rejections += 1;
  tell(life, { event: 'rejected', requestId });
  return 'rejected';
}

/** Sent until it is answered; a cut before the answer means once more at the next connect. */
async function confirm(life: Life, link: Link, signal: AbortSignal): Promise<Link> {
  const { certificateId, role } = link.candidate;
  const heard = (body: object) => ('certificateId' in body && body.certificateId === certificateId ? true : undefined);
  for (let attempt = 0; ; attempt += 1) {
    await publish(life, link, { topic: 'confirm', body: { certificateId }, signal });
    tell(life, { event: 'confirming', certificateId });
    if ((await hearUntil(life, link, { attempt, signal, of: heard })) === undefined) continue;
    // A cut before this line leaves the former identity beside the new one; the confirmation is asked for again.
    life.store.change(withConfirmed(life.store.state(), role));
    delete life.renewFrom;
    life.failures = 0;
    life.turn = { role: 'current', refusals: 0 };
    tell(life, { event: 'confirmed', certificateId });
    const confirmed: Link = { ...link, candidate: { ...link.candidate, role: 'current' } };
    life.link = confirmed;
    await subscribe(life, confirmed, { topics: ['renew'], signal });
    return confirmed;
  }
}

interface Saying {
  readonly topic: 'request' | 'confirm';
  readonly body: object;
  readonly signal: AbortSignal;
}

function publish(life: Life, link: Link, { topic, body, signal }: Saying): Promise<void> {
  const acknowledgement = link.session.publish(certificateTopic(life.store.factory.id, topic), JSON.stringify(body));
  return send(life, link, { acknowledgement, signal });
}

interface Hearing<T> {
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly of: (body: Issued | Confirmed | Rejected) => T | undefined;
}

/** Undefined: no answer in time. The service works behind queues; half a minute is long for it, and no mistake. */
async function hearUntil<T>(life: Life, link: Link, { attempt, signal, of }: Hearing<T>): Promise<T | undefined> {
  const until = nowOf(life) + ANSWER_WAIT_MS + jittered(attempt, life.random, LONGEST_ANSWER_WAIT_MS);
  for (;;) {
    const milliseconds = until - nowOf(life);
    if (milliseconds <= 0) return undefined;
    const answer = await hear(life, link, { milliseconds, signal });
    const meant = answer && of(answer);
    if (meant !== undefined) return meant;
  }
}

/** One message, if one comes. A push to renew is noted at once; an answer is for whoever waits for it. */
export async function hear(
  life: Life,
  link: Link,
  wait: { readonly milliseconds: number; readonly signal: AbortSignal },
): Promise<Issued | Confirmed | Rejected | undefined> {
  const message = await awaitMessage(life, link, wait);
  if (message === undefined) return undefined;
  const answer = readAnswer(life.store.factory.id, message);
  if (answer === undefined) tell(life, { event: 'ignored', topic: message.topic });
  else if (answer.topic === 'renew') noteRenewal(life, link, answer.body);
  else return answer.body;
  return undefined;
}

/** Of another certificate than the one in use it says nothing: it is late, or meant for one that we do not have. */
function noteRenewal(life: Life, { candidate }: Link, { certificateId, renewFrom }: Renew): void {
  if (candidate.role !== 'current' || candidate.certificateId !== certificateId) {
    tell(life, { event: 'ignored', topic: certificateTopic(life.store.factory.id, 'renew') });
    return;
  }
  life.renewFrom = renewFrom;
  tell(life, { event: 'asked-to-renew', renewFrom });
}

const ANSWER_WAIT_MS = 30_000;
const LONGEST_ANSWER_WAIT_MS = 10 * 60_000;
