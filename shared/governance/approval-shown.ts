// What do the two people of an approval get to see? The act, bound by its digest, and who asked until when.
export interface ApprovalShown {
  readonly approval: string;
  readonly digest: string;
  readonly devices: readonly string[];
  readonly requester: string;
  readonly expiresAt: string;
  readonly approver?: string;
}
