// The time of this machine.
import { setTimeout } from 'node:timers/promises';

import type { Clock } from '../ports.ts';

export const nodeClock: Clock = {
  now: () => new Date().toISOString(),
  pause: (milliseconds) => setTimeout(milliseconds),
};
