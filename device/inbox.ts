// What has come over this session, and has it ended? Messages wait here until the agent has time for them.
import type { Message, Session } from './connect.ts';

export class Inbox {
  /** Why the session ended; undefined while it lasts. */
  ended: string | undefined;
  readonly #messages: Message[] = [];
  #wake: () => void = () => undefined;

  constructor(session: Session) {
    session.onMessage((message) => {
      if (this.#messages.length >= MOST_WAITING) this.#messages.shift();
      this.#messages.push(message);
      this.#wake();
    });
    void session.ended.then((problem) => {
      this.ended = problem;
      this.#wake();
    });
  }

  /** What came before the end is still given out after it. */
  take(): Message | undefined {
    return this.#messages.shift();
  }

  /** Returns when there is something to take, or the session has ended; one waits at a time. */
  arrival(): Promise<void> {
    if (this.#messages.length > 0 || this.ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A broker that floods us fills no memory. */
const MOST_WAITING = 100;
