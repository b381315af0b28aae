// How do acts of trust and standing answer? The same words for the step that answers and the command that shows it.
import type { DeviceState } from '../lifecycle.ts';

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
}
