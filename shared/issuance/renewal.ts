// Which certificates are to be looked at on this day? A calendar: those to renew, written at each confirmation, and those that
// were offered, written with each offer.
import * as z from 'zod';

import type { OperationalCertificate } from '../lifecycle.ts';
import { parseRow } from '../rows.ts';

const ROW = z.object({ version: z.literal(1), device: z.string(), certificateId: z.string() });

export type RenewalDue = z.infer<typeof ROW>;

/** `2027-01-24`: all of one day stand together. */
export function renewalsOn(day: string) {
  return { table: 'devices', pk: `renewals#${day}` } as const;
}

export function renewalKey({ certificateId, renewFrom }: OperationalCertificate, device: string) {
  return { ...renewalsOn(dayOf(renewFrom)), sk: `${device}#${certificateId}` } as const;
}

/** How long a certificate may wait to be used beside the one that it is to replace. */
export const OFFER_HOURS = 24;

/** All that were offered on one day stand together. */
export function offersOn(day: string) {
  return { table: 'devices', pk: `offers#${day}` } as const;
}

export function offerKey({ certificateId, issuedAt }: OperationalCertificate, device: string) {
  return { ...offersOn(dayOf(issuedAt)), sk: `${device}#${certificateId}` } as const;
}

export function dayOf(time: string): string {
  return time.slice(0, 10);
}

export function parseRenewal(row: unknown): RenewalDue {
  return parseRow(ROW, row, 'renewal row');
}
