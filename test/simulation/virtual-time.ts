// What time is it in a simulation? Nobody waits: the next event is always now, and events of one time keep their order.
import { setImmediate } from 'node:timers';

import type { Clock } from '../../shared/ports.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time passes only in `runUntil`. Everything that waits must wait here, or a run is not the same twice. */
export class VirtualTime implements Clock {
  readonly #events: Event[] = [];
  #ms: number;
  #order = 0;

  constructor(start = '2026-11-24T12:00:00.000Z') {
    this.#ms = Date.parse(start);
  }

  get ms(): number {
    return this.#ms;
  }

  now(): string {
    return new Date(this.#ms).toISOString();
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(milliseconds, resolve);
    });
  }

  after(milliseconds: number, run: () => void): void {
    this.#order += 1;
    push(this.#events, { at: this.#ms + Math.max(0, Math.round(milliseconds)), order: this.#order, run });
  }

  /** All events up to this time, each with everything that follows from it at once. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#events[0]; next !== undefined && next.at <= end; next = this.#events[0]) {
      pop(this.#events);
      this.#ms = next.at;
      next.run();
      await settled();
    }
    this.#ms = Math.max(this.#ms, end);
  }
}

/** Every promise that can go on has gone on: nothing in a simulation waits for anything but its time. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

// A binary heap: the earliest event is at its root.
function push(heap: Event[], event: Event): void {
  let place = heap.push(event) - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    if (!swapIfLater(heap, above, place)) return;
    place = above;
  }
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  let place = 0;
  for (;;) {
    const [left, right] = [2 * place + 1, 2 * place + 2];
    const earlier = right < heap.length && isLater(heap[left], heap[right]) ? right : left;
    if (earlier >= heap.length || !swapIfLater(heap, place, earlier)) return;
    place = earlier;
  }
}

function swapIfLater(heap: Event[], above: number, below: number): boolean {
  const [a, b] = [heap[above], heap[below]];
  if (a === undefined || b === undefined || !isLater(a, b)) return false;
  [heap[above], heap[below]] = [b, a];
  return true;
}

function isLater(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at > b.at || (a.at === b.at && a.order > b.order);
}
