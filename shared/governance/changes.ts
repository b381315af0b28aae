// How do acts of trust and standing answer? The same words for the step that answers and the command that shows it.
import type { DeviceState } from '../lifecycle.ts';
import type { Effects } from './effects.ts';

export interface TrustChange {
  readonly result: 'changed' | 'unchanged';
  /** SHA-256 of the certificate, for anchors; of the list, for revocation lists. */
  readonly fingerprint?: string;
  /** How many certificates a revocation list names. */
  readonly revoked?: number;
}

export interface StandingChange {
  readonly device: string;
  readonly result: 'changed' | 'unchanged';
  readonly state: DeviceState;
  /** What the change ends, and when; absent where it ends nothing. */
  readonly effects?: Effects;
}
