// How does a step answer? With a value or a refusal; whatever else goes wrong is thrown as a Fault.
import type { FaultCode, Refusal } from './reasons.ts';

export interface Done<T> {
  readonly outcome: 'done';
  readonly value: T;
}

export interface Refused {
  readonly outcome: 'refused';
  readonly refusal: Refusal;
}

/** A refusal is a value: it is recorded and answered, and never retried by us. */
export type Outcome<T> = Done<T> | Refused;

export function done<T>(value: T): Done<T> {
  return { outcome: 'done', value };
}

export function refused(refusal: Refusal): Refused {
  return { outcome: 'refused', refusal };
}

/** A fault is a throw: the caller (Lambda, SQS) tries again and an alarm counts it. Its message names no secret. */
export class Fault extends Error {
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'Fault';
    this.code = code;
  }
}
