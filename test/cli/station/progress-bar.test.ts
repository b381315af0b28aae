// Does a long run show how far it is, with its rate, and does a short one stay quiet?
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { drawBar, withBar, type Screen } from '../../../cli/station/progress-bar.ts';
import { openTerminal } from '../../../cli/terminal.ts';

let said: string[];
let drawn: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [said, drawn] = [[], []];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(bare(String(text))) > 0);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([
  [0, 100, 0, '[------------------------]  0/100  0/min'],
  [0, 100, 5_000, '[------------------------]  0/100  0/min'],
  [50, 100, 1_000, '[############------------]  50/100  3000/min  1 s left'],
  [100, 100, 4_000, '[########################]  100/100  1500/min  0 s left'],
  [0, 0, 1_000, '[########################]  0/0  0/min'],
])('%i of %i after %i ms is %s', (done, total, milliseconds, bar) => {
  expect(drawBar(done, total, milliseconds)).toBe(bar);
});

test('at a terminal the bar is drawn over itself after two seconds, and cleared at the end', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const run = withBar(runOf(promise), screen(true));
  await vi.advanceTimersByTimeAsync(1_999);
  expect([said, drawn]).toEqual([['  · making 4 devices\n'], []]);
  await vi.advanceTimersByTimeAsync(201);
  expect(drawn.map(bare)).toEqual(
    Array(2).fill(expect.stringMatching(/^\r {4}\[#{18}-{6}\] {2}3\/4 {2}\d+\/min {2}1 s left$/)),
  );
  resolve(7);
  expect(await run).toBe(7);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(drawn).toHaveLength(3);
  expect(drawn.at(-1)).toBe('\r\u001b[2K');
  expect(said.at(-1)).toMatch(/^ {2}✓ making 4 devices \[/);
});

test('at a terminal a failure is told and let through', async () => {
  const error = new Error('broken');
  await expect(withBar(runOf(Promise.reject(error)), screen(true))).rejects.toBe(error);
  expect(said.at(-1)).toMatch(/^ {2}✗ making 4 devices/);
});

test('elsewhere the bar stands in the lines that a long step says', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const run = withBar(runOf(promise), screen(false));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(said.at(-1)).toMatch(/^ {4}… 2\.0 s {2}\[#{18}-{6}\] {2}3\/4 /);
  resolve(7);
  expect(await run).toBe(7);
  expect([drawn, said.at(-1)]).toEqual([[], '  ✓ making 4 devices (2.0 s)\n']);
});

/** Three of four are done at once, the last with `promise`. */
function runOf(promise: Promise<number>) {
  const work = (advance: () => void) => {
    for (let device = 0; device < 3; device += 1) advance();
    return promise;
  };
  return { title: 'making 4 devices', total: 4, terminal: openTerminal(false), work };
}

function screen(isTTY: boolean): Screen {
  return { isTTY, write: (text) => drawn.push(text) };
}

function bare(text: string): string {
  return text.replace(/\u001b\[\d*[mK]/g, '');
}
