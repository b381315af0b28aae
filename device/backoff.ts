// How long does a device wait before it asks again? Longer each time, and never in step with its ward.

/** Full jitter: anything from nothing up to the doubled limit, so that a ward after a power cut comes back spread out. */
export function jittered(failures: number, random: () => number, cap: number = LONGEST_PAUSE_MS): number {
  return Math.floor(random() * Math.min(cap, FIRST_PAUSE_MS * 2 ** Math.min(failures, 30)));
}

/** AWS IoT Core takes one CONNECT a second of a client id. Time that ran backwards makes nobody wait longer than that. */
export function paceConnect(last: number | undefined, now: number): number {
  if (last === undefined) return 0;
  return Math.min(CONNECT_GAP_MS, Math.max(0, last + CONNECT_GAP_MS - now));
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const CONNECT_GAP_MS = 1_000;
