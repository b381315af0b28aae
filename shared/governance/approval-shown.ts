// What do the two people of an approval get to see? The act, bound by its digest, and who asked until when.
import type { Approvable } from './approval.ts';

export interface ApprovalShown {
  readonly approval: string;
  readonly digest: string;
  readonly act: Approvable;
  readonly requester: string;
  readonly expiresAt: string;
  readonly approver?: string;
}
