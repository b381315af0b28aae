// Ids and salts that are the same in every run: they count.
import { hash } from 'node:crypto';

import type { EntryRandomness } from '../../shared/ledger/entry.ts';

export class CountingRandomness implements EntryRandomness {
  #ids = 0;
  #salts = 0;

  /** 00000000-0000-4000-8000-000000000001, then ...002 and so on. */
  newId(): string {
    this.#ids += 1;
    return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, '0')}`;
  }

  newSalt(): Uint8Array {
    this.#salts += 1;
    return hash('sha256', `salt ${this.#salts}`, 'buffer');
  }
}
