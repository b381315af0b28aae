// What did the decision read? As the ledger keeps it, so that an auditor can repeat the decision.
import type { Listing } from '../../../shared/whitelist/listing.ts';
import type { Notice } from './notice.ts';

export function noticeInputs({ event, certificateId, connectedAt, ...rest }: Notice) {
  return 'authorityId' in rest
    ? { event, certificateId, authorityId: rest.authorityId, connectedAt }
    : { event, certificateId, connectedAt };
}

export function listingInputs({ device, issuer, notBefore, notAfter, provenance }: Listing) {
  return { device, issuer, notBefore, notAfter, manifest: provenance.manifest, line: provenance.line };
}
