// What does an operator's claim answer of each device? And how many devices does one act take?
import type { Refusal } from '../reasons.ts';

export interface ClaimedDevice {
  readonly device: string;
  readonly result: 'claimed' | 'unchanged' | 'refused';
  readonly refusal?: Refusal;
}

/** Each device is one transaction; a longer list is several acts. */
export const MOST_CLAIMS = 50;
