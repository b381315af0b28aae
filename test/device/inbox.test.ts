// Does the agent see what came, in order, also when the session ends meanwhile?
import { describe, expect, test } from 'vitest';

import type { Message, Session } from '../../device/connect.ts';
import { Inbox } from '../../device/inbox.ts';
import { awaitMessage, Lost, type Life, type Link } from '../../device/link.ts';
import { VirtualTime } from './stage.ts';

describe('the inbox', () => {
  test('what came before the end is given out before the end is told', async () => {
    const { inbox, put, end } = openInbox();
    put('first');
    put('second');
    await end('gone');
    const time = new VirtualTime();
    const wait = { milliseconds: 60_000, signal: new AbortController().signal };
    const next = async () => (await awaitMessage({ pause: time.pause } as Life, { inbox } as Link, wait))?.topic;
    expect([await next(), await next()]).toEqual(['first', 'second']);
    await expect(next()).rejects.toThrow(Lost);
  });

  test('a flood fills no memory: the oldest go', () => {
    const { inbox, put } = openInbox();
    for (let count = 0; count < 150; count += 1) put(String(count));
    const topics: string[] = [];
    for (let message = inbox.take(); message !== undefined; message = inbox.take()) topics.push(message.topic);
    expect([topics.length, topics[0], topics.at(-1)]).toEqual([100, '50', '149']);
  });
});

function openInbox() {
  let listen: (message: Message) => void = () => undefined;
  const ended = Promise.withResolvers<string>();
  const session = { onMessage: (one: typeof listen) => (listen = one), ended: ended.promise } as unknown as Session;
  const inbox = new Inbox(session);
  const put = (topic: string) => {
    listen({ topic, payload: Buffer.alloc(0) });
  };
  const end = async (problem: string) => {
    ended.resolve(problem);
    await inbox.arrival();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { inbox, put, end };
}
