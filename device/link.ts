// How does the agent come to a session, and with which identity? It tries until a broker accepts one, however long that takes.
import { certificateTopic, type Topic } from './answer.ts';
import { jittered, paceConnect } from './backoff.ts';
import { connectOnce, type Broker, type Connection, type Message, type Session } from './connect.ts';
import type { AgentEvent, ReportedEvent } from './events.ts';
import { afterRefusal, candidates, type Candidate, type Role, type Turn } from './identities.ts';
import type { IdentityStore } from './identity-store.ts';
import { Inbox } from './inbox.ts';

export interface AgentOptions {
  readonly store: IdentityStore;
  readonly broker: Broker;
  /** ISO 8601 */
  readonly clock: { now(): string };
  /** At least 0, less than 1. It spreads pauses; keys have randomness of their own. */
  readonly random: () => number;
  /** Returns after so many milliseconds, or as soon as the signal says; never rejects. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly report?: (event: ReportedEvent) => void;
  /** With each new session; the former one has ended then. */
  readonly onSession?: (session: Session) => void;
  /** Refusals in a row by a verified broker before the identity before this one has its turn. */
  readonly mostRefusals?: number;
  /**
   * The same, before a device with a confirmed certificate shows its factory identity again: that one is spent, and showing it
   * looks like a clone. An outage that looks like refusals must be over by then.
   */
  readonly mostBeforeFactory?: number;
}

/** What the agent remembers between two steps; what must outlive a power cut is in the store. */
export interface Life extends AgentOptions {
  turn: Turn;
  /** Since something last went well. */
  failures: number;
  rejections: number;
  lastConnect?: number;
  lastIssued?: number;
  /** As the service asked for it last, of the certificate that is current. */
  renewFrom?: string;
  link?: Link;
}

export interface Link {
  readonly session: Session;
  readonly candidate: Candidate;
  readonly inbox: Inbox;
  readonly since: number;
}

export class Lost extends Error {}
export class Stopped extends Error {}

export function tell(life: Life, event: AgentEvent): void {
  life.report?.({ at: life.clock.now(), ...event });
}

export function nowOf({ clock }: Pick<Life, 'clock'>): number {
  return Date.parse(clock.now());
}

/** The present session while it lasts; else a new one, with its subscriptions. Throws `Lost` when it breaks meanwhile. */
export async function reachBroker(life: Life, signal: AbortSignal): Promise<Link> {
  if (life.link !== undefined && life.link.inbox.ended === undefined) return life.link;
  for (;;) {
    const candidate = nextCandidate(life);
    const connection = await tryOnce(life, candidate, signal);
    if (connection?.outcome === 'accepted') return accept(life, { session: connection.session, candidate }, signal);
    if (connection?.by === 'broker') countRefusal(life, candidate.role, connection.problem);
    else if (connection !== undefined) tell(life, { event: 'unreachable', problem: connection.problem });
    await backOff(life, signal);
  }
}

function nextCandidate({ store, turn }: Life): Candidate {
  const known = candidates(store.state(), store.factory);
  return known.find(({ role }) => role === turn.role) ?? known[0];
}

/** Undefined: no broker that could have answered. */
async function tryOnce(life: Life, candidate: Candidate, signal: AbortSignal): Promise<Connection | undefined> {
  await sleep(life, paceConnect(life.lastConnect, nowOf(life)), signal);
  life.lastConnect = nowOf(life);
  const { role, certificateId } = candidate;
  tell(life, { event: 'connecting', role, certificateId });
  try {
    const connection = await connectOnce(life.broker, { id: life.store.factory.id, ...candidate }, signal);
    // Accepted all the same: whoever asked closes it.
    if (connection.outcome === 'accepted' || !signal.aborted) return connection;
  } catch (error) {
    if (!signal.aborted) tell(life, { event: 'unreachable', problem: problemOf(error) });
  }
  if (signal.aborted) throw new Stopped();
  return undefined;
}

/** Only a broker whose certificate was verified gets here: nobody else moves a device from one identity to another. */
function countRefusal(life: Life, role: Role, problem: string): void {
  const { store, turn, mostRefusals = MOST_REFUSALS, mostBeforeFactory = MOST_BEFORE_FACTORY } = life;
  const refusals = (turn.role === role ? turn.refusals : 0) + 1;
  tell(life, { event: 'closed', role, refusals, problem });
  const most = role === 'current' ? mostBeforeFactory : mostRefusals;
  life.turn = afterRefusal({ role, refusals: refusals - 1 }, candidates(store.state(), store.factory), most);
  if (life.turn.role !== role) tell(life, { event: 'turning', from: role, to: life.turn.role });
}

async function accept(life: Life, found: Pick<Link, 'session' | 'candidate'>, signal: AbortSignal): Promise<Link> {
  const { session, candidate } = found;
  const link = { ...found, inbox: new Inbox(session), since: nowOf(life) };
  const { role, certificateId } = candidate;
  life.link = link;
  life.turn = { role, refusals: 0 };
  tell(life, { event: 'accepted', role, certificateId });
  await subscribe(life, link, { topics: role === 'current' ? [...ANSWERS, 'renew'] : ANSWERS, signal });
  life.onSession?.(session);
  return link;
}

/** The broker closes a device that asks for more than its policy grants: `renew` is for confirmed certificates. */
export function subscribe(
  life: Life,
  link: Link,
  { topics, signal }: { readonly topics: readonly Topic[]; readonly signal: AbortSignal },
): Promise<void> {
  const acknowledgement = link.session.subscribe(topics.map((topic) => certificateTopic(life.store.factory.id, topic)));
  return send(life, link, { acknowledgement, signal });
}

/** What waits for the broker's word ends with the session, with our patience, and when we are told to stop. */
export async function send(
  life: Life,
  { inbox }: Link,
  sent: { readonly acknowledgement: Promise<void>; readonly signal: AbortSignal },
): Promise<void> {
  const enough = new AbortController();
  const impatience = life.pause(ACKNOWLEDGEMENT_MS, AbortSignal.any([sent.signal, enough.signal])).then(() => {
    throw new Lost('no acknowledgement in time');
  });
  try {
    await Promise.race([sent.acknowledgement, impatience]);
  } catch (error) {
    if (sent.signal.aborted) throw new Stopped();
    throw new Lost(inbox.ended ?? problemOf(error), { cause: error });
  } finally {
    enough.abort();
  }
}

/** The next message; undefined when none came in that time. */
export async function awaitMessage(
  life: Life,
  { inbox }: Link,
  wait: { readonly milliseconds: number; readonly signal: AbortSignal },
): Promise<Message | undefined> {
  const enough = new AbortController();
  const stop = AbortSignal.any([wait.signal, enough.signal]);
  await Promise.race([inbox.arrival(), life.pause(wait.milliseconds, stop)]);
  enough.abort();
  if (wait.signal.aborted) throw new Stopped();
  const message = inbox.take();
  if (message === undefined && inbox.ended !== undefined) throw new Lost(inbox.ended);
  return message;
}

/** Ends the session, if there is one; the next one may be with another identity. */
export async function leave(life: Life): Promise<void> {
  const { link } = life;
  delete life.link;
  await link?.session.close();
}

/** After something went wrong. A session that lasted was a good one, whatever ended it. */
export async function recover(life: Life, signal: AbortSignal): Promise<void> {
  if (life.link !== undefined && nowOf(life) - life.link.since >= GOOD_SESSION_MS) life.failures = 0;
  await leave(life);
  await backOff(life, signal);
}

async function backOff(life: Life, signal: AbortSignal): Promise<void> {
  const milliseconds = jittered(life.failures, life.random);
  life.failures += 1;
  tell(life, { event: 'waiting', milliseconds });
  await sleep(life, milliseconds, signal);
}

async function sleep({ pause }: Life, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0 && !signal.aborted) await pause(milliseconds, signal);
  if (signal.aborted) throw new Stopped();
}

export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const ANSWERS: readonly Topic[] = ['accepted', 'rejected'];
const MOST_REFUSALS = 8;
/** With pauses of up to a minute: about twenty minutes. */
const MOST_BEFORE_FACTORY = 40;
const ACKNOWLEDGEMENT_MS = 30_000;
const GOOD_SESSION_MS = 60_000;
