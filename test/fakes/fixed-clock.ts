// A clock that stands still until a test moves it.
import type { Clock } from '../../shared/ports.ts';

export class FixedClock implements Clock {
  /** Milliseconds of each pause that was asked for. */
  readonly pauses: number[] = [];
  #now: number;

  constructor(now = '2026-11-24T12:00:00.000Z') {
    this.#now = Date.parse(now);
  }

  now(): string {
    return new Date(this.#now).toISOString();
  }

  set(now: string): void {
    this.#now = Date.parse(now);
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Returns at once; the time has passed all the same. */
  pause(milliseconds: number): Promise<void> {
    this.pauses.push(milliseconds);
    this.advance(milliseconds);
    return Promise.resolve();
  }
}
