// How does a device come in? It connects, is closed, and comes back after a while that grows, until it is let in.
import type { Chance } from './chance.ts';
import type { Cloud } from './cloud.ts';
import { ACCOUNT } from '../functions/scene.ts';

export interface DeviceTerms {
  readonly certificateId: string;
  /** IoT Core's id of the CA that issued it. */
  readonly authority: string;
  readonly pem?: string;
  readonly backoff: Backoff;
  /** How long it stays connected before it comes anew; for ever unless told. */
  readonly staysMs?: number;
  /** How often the broker's event does not reach the queue. */
  readonly eventsLost?: number;
}

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

export class PoweredDevice {
  /** What its last connect ended in. */
  seen: 'announced' | 'closed' | 'connected' | 'never' = 'never';
  /** When it connected last. */
  connectedAt = 0;
  /** When it was let in for the first time, in milliseconds of virtual time. */
  letInAt: number | undefined;
  readonly terms: DeviceTerms;
  readonly #cloud: Cloud;
  readonly #chance: Chance;
  #failures = 0;
  #on = true;
  #isKnown = false;

  constructor(terms: DeviceTerms, cloud: Cloud, chance: Chance) {
    this.terms = terms;
    this.#cloud = cloud;
    this.#chance = chance;
  }

  switchOn(afterMs: number): void {
    this.#cloud.time.after(afterMs, () => {
      this.#connect();
    });
  }

  switchOff(): void {
    this.#on = false;
  }

  #connect(): void {
    if (!this.#on) return;
    const { certificateId, authority, pem } = this.terms;
    const { broker, time, trace } = this.#cloud;
    this.connectedAt = time.ms;
    const hasRoom = this.#isKnown || this.#cloud.mayEnter();
    this.seen = hasRoom ? broker.connect(certificateId, authority, pem) : 'closed';
    this.#isKnown ||= this.seen === 'announced';
    trace.note(time.ms, `device ${certificateId.slice(0, 8)} ${this.seen}`);
    if (this.seen === 'connected') this.#stay();
    else this.#comeBack();
    if (this.seen !== 'closed') this.#tell();
  }

  #stay(): void {
    const { staysMs } = this.terms;
    this.#failures = 0;
    this.letInAt ??= this.#cloud.time.ms;
    if (staysMs !== undefined) this.switchOn(this.#chance.between(staysMs / 2, staysMs));
  }

  #comeBack(): void {
    const { firstMs, mostMs } = this.terms.backoff;
    const most = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.switchOn(this.#chance.between(most / 2, most));
  }

  #tell(): void {
    const { certificateId, authority, eventsLost = 0 } = this.terms;
    if (this.#cloud.faults.isRaging && this.#chance.happens(eventsLost)) return;
    const timestamp = this.#cloud.time.ms;
    if (this.seen === 'connected') {
      this.#cloud.announce({ eventType: 'connected', principalIdentifier: certificateId, timestamp });
      return;
    }
    const certificateStatus = 'PENDING_ACTIVATION';
    this.#cloud.announce({
      certificateId,
      caCertificateId: authority,
      certificateStatus,
      awsAccountId: ACCOUNT,
      timestamp,
    });
  }
}
