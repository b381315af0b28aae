// How does a signer beside an HSM serve its keys? It takes orders from one queue and leaves signatures in others. Of an order that
// was signed and not taken off, it signs the same bytes again: whoever stores signatures keeps the first.
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import { Fault } from '../../shared/outcome.ts';
import { signOrder, type ServedKey } from './sign-order.ts';

export interface SignerQueues {
  readonly orders: string;
  readonly certificate: string;
  readonly list: string;
}

export interface SignerWorld {
  readonly client: SQSClient;
  readonly queues: SignerQueues;
  readonly keys: readonly ServedKey[];
  readonly report: (event: SignerEvent) => void;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Aborted: it ends after the order at hand. */
  readonly signal: AbortSignal;
}

export type SignerEvent =
  | { readonly event: 'signed'; readonly intent: object }
  | { readonly event: 'refused'; readonly reason: string }
  | { readonly event: 'elsewhere' }
  | { readonly event: 'failed'; readonly problem: string };

const LONGEST_PAUSE_MS = 30_000;

/** Until the signal, or with `once` until no order waits. A PIN that was refused ends it: a second try may lock the token. */
export async function serve(world: SignerWorld, { once }: { readonly once: boolean }): Promise<number> {
  let [signed, failures] = [0, 0];
  while (!isStopped(world)) {
    const messages = await receive(world, once);
    if (messages.length === 0 && once) break;
    for (const message of messages) {
      if (isStopped(world)) break;
      const answered = await answer(message, world);
      failures = answered === 'failed' ? failures + 1 : 0;
      signed += answered === 'signed' ? 1 : 0;
      // The order comes back by itself; a token that is away is not asked in a tight loop.
      if (answered === 'failed') await world.pause(Math.min(1000 * 2 ** failures, LONGEST_PAUSE_MS));
    }
  }
  return signed;
}

function isStopped({ signal }: SignerWorld): boolean {
  return signal.aborted;
}

interface Received {
  readonly Body?: string | undefined;
  readonly ReceiptHandle?: string | undefined;
}

async function receive({ client, queues, signal }: SignerWorld, once: boolean): Promise<readonly Received[]> {
  const input = { QueueUrl: queues.orders, MaxNumberOfMessages: 10, WaitTimeSeconds: once ? 1 : 20 };
  try {
    return (await client.send(new ReceiveMessageCommand(input), { abortSignal: signal })).Messages ?? [];
  } catch (error) {
    if (signal.aborted) return [];
    throw error;
  }
}

/** `left`: an order that is not ours to sign is no failure of the token. */
async function answer(
  { Body = '', ReceiptHandle }: Received,
  world: SignerWorld,
): Promise<'signed' | 'left' | 'failed'> {
  const { client, queues, keys, report } = world;
  try {
    const order = await signOrder(Body, keys);
    if (order === 'elsewhere') {
      report({ event: 'elsewhere' });
      return 'left';
    }
    if (order.outcome === 'refused') {
      report({ event: 'refused', reason: order.refusal.reason });
      return 'left'; // it stays, and ends as a dead letter, where somebody looks
    }
    const { intent } = order.value;
    const QueueUrl = intent.kind === 'list' ? queues.list : queues.certificate;
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(order.value) }));
    // A crash here signs it once more.
    await client.send(new DeleteMessageCommand({ QueueUrl: queues.orders, ReceiptHandle }));
    report({ event: 'signed', intent });
    return 'signed';
  } catch (error) {
    if (error instanceof Fault && error.code === 'pin-refused') throw error;
    report({ event: 'failed', problem: error instanceof Error ? error.message : String(error) });
    return 'failed';
  }
}
