// Why was something refused, and what can go wrong? Every reason and every fault code of Wardkey, one sentence each.

/**
 * Curable: the same device may be admitted later without a new certificate, so a refused certificate stays
 * PENDING_ACTIVATION and its next connect asks again. Final: the refused certificate will never be right.
 */
export type Curability = 'curable' | 'final';

/** Times are ISO 8601 in UTC; fields carry the two values that were compared. */
export type Refusal =
  // first connect
  | { readonly reason: 'notice-malformed'; readonly problem: string }
  | { readonly reason: 'account-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'not-listed'; readonly certificateId: string }
  | { readonly reason: 'authority-unknown'; readonly authority: string }
  | { readonly reason: 'authority-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'certificate-not-yet-valid'; readonly notBefore: string; readonly now: string }
  | { readonly reason: 'certificate-expired'; readonly notAfter: string; readonly now: string }
  | { readonly reason: 'not-owned'; readonly device: string }
  | { readonly reason: 'another-key'; readonly device: string; readonly got: string }
  | { readonly reason: 'another-certificate'; readonly device: string; readonly got: string }
  | { readonly reason: 'certificate-unknown'; readonly certificateId: string }
  | { readonly reason: 'quarantined'; readonly device: string; readonly level: string }
  | { readonly reason: 'denied'; readonly device: string; readonly deniedAt: string }
  | { readonly reason: 'factory-certificate-consumed'; readonly device: string; readonly operationalAt: string }
  // issuance
  | { readonly reason: 'channel-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'not-registered'; readonly device: string }
  | { readonly reason: 'retired'; readonly device: string; readonly retiredAt: string }
  | {
      readonly reason: 'certificate-not-current';
      readonly device: string;
      readonly expected: string;
      readonly got: string;
    }
  | { readonly reason: 'renewal-early'; readonly renewFrom: string; readonly now: string }
  | { readonly reason: 'issued-recently'; readonly issuedAt: string; readonly now: string }
  | {
      readonly reason: 'request-differs';
      readonly requestId: string;
      readonly expected: string;
      readonly got: string;
    }
  | { readonly reason: 'request-over'; readonly requestId: string }
  | { readonly reason: 'window-unusable'; readonly device: string; readonly state: string }
  | { readonly reason: 'authority-absent'; readonly owner: string }
  | { readonly reason: 'authority-unfit'; readonly problem: string }
  | { readonly reason: 'key-unfit'; readonly key: string; readonly problem: string }
  // whitelist
  | { readonly reason: 'delivery-malformed'; readonly problem: string }
  | { readonly reason: 'manifest-absent'; readonly key: string }
  | { readonly reason: 'signature-malformed'; readonly problem: string }
  | { readonly reason: 'signer-unknown'; readonly signer: string }
  | {
      readonly reason: 'signer-not-valid';
      readonly signedAt: string;
      readonly notBefore: string;
      readonly notAfter: string;
    }
  | { readonly reason: 'signed-in-future'; readonly signedAt: string; readonly now: string }
  | { readonly reason: 'signature-invalid'; readonly signer: string }
  | { readonly reason: 'manufacturer-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'manifest-malformed'; readonly line: number; readonly problem: string }
  | { readonly reason: 'count-differs'; readonly expected: number; readonly got: number }
  | { readonly reason: 'id-malformed'; readonly problem: string }
  | { readonly reason: 'certificate-malformed'; readonly problem: string }
  | { readonly reason: 'key-unsupported'; readonly key: string }
  | { readonly reason: 'id-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'key-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'format-unknown'; readonly file: string }
  | { readonly reason: 'bundle-incomplete'; readonly chip: string; readonly missing: string }
  | { readonly reason: 'archive-unsafe'; readonly problem: string }
  | { readonly reason: 'issuer-unknown'; readonly manufacturer: string }
  | { readonly reason: 'id-taken'; readonly device: string; readonly listed: string; readonly got: string }
  | { readonly reason: 'listing-conflict'; readonly fingerprint: string; readonly listed: string; readonly got: string }
  | { readonly reason: 'certificate-absent'; readonly device: string }
  | { readonly reason: 'lot-unknown'; readonly manufacturer: string; readonly lot: string }
  | { readonly reason: 'product-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'serial-out-of-range'; readonly first: string; readonly last: string; readonly got: string }
  | { readonly reason: 'key-taken'; readonly device: string; readonly listed: string; readonly got: string }
  | { readonly reason: 'listing-held'; readonly device: string }
  | { readonly reason: 'not-held'; readonly device: string }
  // certificate path
  | { readonly reason: 'path-unknown'; readonly subject: string; readonly anchors: number }
  | { readonly reason: 'path-search-ended'; readonly limit: string; readonly most: number }
  | { readonly reason: 'certificate-signature-invalid'; readonly certificate: string; readonly issuer: string }
  | { readonly reason: 'signature-unsupported'; readonly algorithm: string }
  | { readonly reason: 'path-too-long'; readonly most: number; readonly got: number }
  | { readonly reason: 'extension-unknown'; readonly oid: string; readonly certificate: string }
  | { readonly reason: 'usage-differs'; readonly expected: string; readonly got: string }
  | {
      readonly reason: 'issuer-not-valid';
      readonly issuer: string;
      readonly notBefore: string;
      readonly notAfter: string;
      readonly now: string;
    }
  | {
      readonly reason: 'certificate-revoked';
      readonly serial: string;
      readonly issuer: string;
      readonly revokedAt: string;
    }
  | { readonly reason: 'crl-stale'; readonly thisUpdate: string; readonly nextUpdate: string; readonly now: string }
  | { readonly reason: 'crl-unavailable'; readonly issuer: string }
  | { readonly reason: 'crl-unusable'; readonly problem: string }
  // ownership and governance
  | { readonly reason: 'not-permitted'; readonly act: string; readonly principal: string }
  | { readonly reason: 'approval-unknown'; readonly approval: string }
  | { readonly reason: 'approval-used'; readonly approval: string }
  | { readonly reason: 'approval-expired'; readonly expiresAt: string; readonly now: string }
  | { readonly reason: 'approval-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'approver-is-requester'; readonly requester: string }
  | { readonly reason: 'not-quarantined'; readonly device: string; readonly state: string }
  | { readonly reason: 'approval-open'; readonly approval: string }
  | { readonly reason: 'key-suspect'; readonly device: string }
  | { readonly reason: 'lot-conflict'; readonly lot: string }
  | { readonly reason: 'request-malformed'; readonly problem: string }
  | { readonly reason: 'caller-unproved'; readonly problem: string }
  | { readonly reason: 'owner-unknown'; readonly owner: string }
  | { readonly reason: 'owned-by-another'; readonly device: string }
  | { readonly reason: 'device-unknown'; readonly device: string }
  | { readonly reason: 'not-an-authority'; readonly fingerprint: string }
  | {
      readonly reason: 'anchor-conflict';
      readonly fingerprint: string;
      readonly expected: string;
      readonly got: string;
    }
  | { readonly reason: 'devices-remain'; readonly certificates: number; readonly authorities: number }
  // issuance
  | { readonly reason: 'csr-malformed'; readonly problem: string }
  | { readonly reason: 'subject-differs'; readonly expected: string; readonly got: string }
  | { readonly reason: 'possession-unproved'; readonly key: string }
  | { readonly reason: 'authority-ends-first'; readonly notAfter: string; readonly issuerNotAfter: string };

export type RefusalReason = Refusal['reason'];

interface ReasonText {
  readonly kind: Curability;
  readonly sentence: string;
}

export const REASONS: Readonly<Record<RefusalReason, ReasonText>> = {
  'notice-malformed': { kind: 'curable', sentence: 'the notice of a first connect does not have the documented shape' },
  'account-differs': { kind: 'curable', sentence: 'the notice comes from another AWS account' },
  'not-listed': { kind: 'curable', sentence: 'no whitelist row lists this certificate' },
  'authority-unknown': {
    kind: 'curable',
    sentence: 'the certificate authority named by the broker is not one we trust',
  },
  // Curable: the manufacturer may have renewed its authority; no listed certificate is revoked for that.
  'authority-differs': {
    kind: 'curable',
    sentence: 'the certificate came under another authority than its listing names',
  },
  'certificate-not-yet-valid': { kind: 'curable', sentence: 'the certificate is not valid yet' },
  'certificate-expired': { kind: 'curable', sentence: 'the certificate has expired' },
  'not-owned': { kind: 'curable', sentence: 'the device is listed, but nobody has claimed it yet' },
  'another-key': {
    kind: 'final',
    sentence: 'the certificate poses as a listed device, but holds another key: a clone',
  },
  'another-certificate': {
    kind: 'curable',
    sentence: 'the certificate holds the key of a listed device, but is not the certificate that was listed',
  },
  'certificate-unknown': {
    kind: 'curable',
    sentence: 'the broker does not know the certificate that the notice speaks of',
  },
  quarantined: { kind: 'curable', sentence: 'the device is in quarantine' },
  denied: { kind: 'final', sentence: 'the device was denied for good' },
  'factory-certificate-consumed': {
    kind: 'curable',
    sentence:
      'the device has a certificate of its owner: its factory certificate is spent, and no reset window is open',
  },
  'channel-differs': { kind: 'final', sentence: 'a message for one device came over the connection of another' },
  'not-registered': { kind: 'curable', sentence: 'the device has not been admitted yet, or begins anew' },
  retired: { kind: 'final', sentence: 'the device was taken out of use by its owner' },
  'certificate-not-current': {
    kind: 'curable',
    sentence: 'the message did not come over the certificate that the device uses now',
  },
  'renewal-early': { kind: 'curable', sentence: 'the certificate has not reached two thirds of its life' },
  'issued-recently': { kind: 'curable', sentence: 'the device was given a certificate a moment ago' },
  'request-differs': { kind: 'final', sentence: 'a request of this id was made before with another key or subject' },
  'request-over': { kind: 'final', sentence: 'the certificate that this request asked for has ended' },
  'window-unusable': {
    kind: 'curable',
    sentence: 'a reset window helps a device in operation only, whose factory certificate the broker can hear',
  },
  'authority-absent': { kind: 'curable', sentence: 'the owner has no issuing authority yet' },
  'authority-unfit': { kind: 'final', sentence: 'the certificates of the authority are not what an owner needs' },
  'key-unfit': { kind: 'curable', sentence: 'the key is not one that may sign or open for this owner' },
  'delivery-malformed': {
    kind: 'final',
    sentence: 'the notice of a delivery, or the key it names, is not as documented',
  },
  'manifest-absent': { kind: 'curable', sentence: 'a signature was dropped, but there is no manifest beside it' },
  'signature-malformed': { kind: 'final', sentence: 'the detached signature is not the JWS this format asks for' },
  'signer-unknown': { kind: 'curable', sentence: 'no trusted manifest signer has this certificate hash' },
  'signer-not-valid': { kind: 'final', sentence: 'the signer certificate was not valid at the time of signing' },
  'signed-in-future': { kind: 'curable', sentence: 'the manifest says it was signed later than now' },
  'signature-invalid': { kind: 'final', sentence: 'the signature does not match the manifest' },
  'manufacturer-differs': {
    kind: 'final',
    sentence: 'the manifest names another manufacturer than its signer or its folder',
  },
  'manifest-malformed': { kind: 'final', sentence: 'a line of the manifest does not have the documented shape' },
  'count-differs': { kind: 'final', sentence: 'the manifest holds another number of devices than its header says' },
  'id-malformed': { kind: 'final', sentence: 'the manufacturer code or serial number is outside the id grammar' },
  'certificate-malformed': { kind: 'final', sentence: 'the certificate cannot be read' },
  'key-unsupported': { kind: 'final', sentence: 'the key is too weak, or of a kind that is not supported' },
  'id-differs': { kind: 'final', sentence: 'two places of one manifest entry name different devices' },
  'key-differs': { kind: 'final', sentence: 'two places of one manifest entry hold different keys' },
  'format-unknown': { kind: 'final', sentence: 'no manifest format has files of this name' },
  'bundle-incomplete': { kind: 'final', sentence: 'the bundle lacks one of the certificates of this chip' },
  'archive-unsafe': { kind: 'final', sentence: 'the archive holds something else than small plain files' },
  'issuer-unknown': {
    kind: 'curable',
    sentence: 'the certificate was not issued by an authority registered for its manufacturer',
  },
  'id-taken': { kind: 'final', sentence: 'this serial number is listed already with another key' },
  'listing-conflict': { kind: 'final', sentence: 'this certificate is listed already under another device' },
  'certificate-absent': {
    kind: 'curable',
    sentence: 'the device is listed by its key only, and waits for a manifest that brings its certificate',
  },
  'lot-unknown': { kind: 'curable', sentence: 'no lot of this name was agreed with the manufacturer' },
  'product-differs': { kind: 'final', sentence: 'the manifest names another product than its lot' },
  'serial-out-of-range': { kind: 'final', sentence: 'the serial number lies outside the range agreed for the lot' },
  'key-taken': { kind: 'final', sentence: 'this public key is listed already under another device' },
  'listing-held': {
    kind: 'curable',
    sentence: 'the device is listed beyond its lot and waits for two people to release it',
  },
  'not-held': { kind: 'final', sentence: 'no held listing of this device waits for a release' },
  'path-unknown': { kind: 'curable', sentence: 'no path leads from this certificate to a trusted anchor' },
  'path-search-ended': {
    kind: 'curable',
    sentence: 'the search for a path was given up: too many certificates could stand in it',
  },
  'certificate-signature-invalid': {
    kind: 'final',
    sentence: 'the certificate was not signed by the key of the issuer that it names',
  },
  'signature-unsupported': { kind: 'final', sentence: 'the certificate is signed by an algorithm outside the profile' },
  'path-too-long': { kind: 'final', sentence: 'more authorities stand in the path than one above them allows' },
  'extension-unknown': {
    kind: 'final',
    sentence: 'a certificate of the path carries a rule that must be understood and is not',
  },
  'usage-differs': { kind: 'final', sentence: 'the certificate may not be used for this purpose' },
  'issuer-not-valid': { kind: 'curable', sentence: 'an issuer of the path is not valid at this time' },
  'certificate-revoked': { kind: 'final', sentence: 'its issuer has revoked the certificate' },
  'crl-stale': { kind: 'curable', sentence: 'the revocation list is not the current one' },
  'crl-unavailable': { kind: 'curable', sentence: 'there is no revocation list of this issuer' },
  'crl-unusable': {
    kind: 'curable',
    sentence: 'the revocation list is not one of this issuer that tells of all its certificates',
  },
  'not-permitted': { kind: 'curable', sentence: 'the permission table does not let this principal perform this act' },
  'approval-unknown': { kind: 'curable', sentence: 'there is no request for approval with this id' },
  'approval-used': { kind: 'final', sentence: 'this request was approved before' },
  'approval-expired': { kind: 'final', sentence: 'the request for approval has expired' },
  'approval-differs': { kind: 'final', sentence: 'the request is not the one that the approver was shown' },
  'approver-is-requester': { kind: 'curable', sentence: 'nobody approves what they requested themselves' },
  'not-quarantined': { kind: 'curable', sentence: 'the device is not in quarantine' },
  'approval-open': { kind: 'curable', sentence: 'nobody has approved this request yet' },
  'key-suspect': {
    kind: 'curable',
    sentence: 'a copy of the key of this device is suspected: it comes back with a new key listing only',
  },
  'lot-conflict': { kind: 'final', sentence: 'a lot of this name was agreed already with other terms' },
  'request-malformed': { kind: 'final', sentence: 'the request does not have the documented shape' },
  'caller-unproved': { kind: 'curable', sentence: 'the request does not prove which IAM principal sends it' },
  'owner-unknown': { kind: 'curable', sentence: 'no owner of this name is known here' },
  'owned-by-another': { kind: 'curable', sentence: 'the device has another owner' },
  'device-unknown': { kind: 'curable', sentence: 'no device with this id is listed' },
  'not-an-authority': { kind: 'final', sentence: 'the certificate is not one of a certificate authority' },
  'anchor-conflict': { kind: 'final', sentence: 'this certificate is trusted already for another purpose or party' },
  'devices-remain': {
    kind: 'curable',
    sentence: 'devices or certificate authorities of this deployment are still registered with AWS IoT Core',
  },
  'csr-malformed': { kind: 'final', sentence: 'the certificate request cannot be read in the one form that it has' },
  'subject-differs': { kind: 'final', sentence: 'the certificate request names another subject than this device' },
  'possession-unproved': {
    kind: 'final',
    sentence: 'the certificate request was not signed with the key that it asks to certify',
  },
  'authority-ends-first': { kind: 'curable', sentence: 'the certificate would outlive the authority that issues it' },
};

export type FaultCode =
  | 'row-malformed' // a stored row cannot be read back: somebody else wrote it, or we are older than it
  | 'comparison-lost' // another writer was faster, several times in a row
  | 'answer-malformed' // AWS answered something outside its documented shape
  | 'broker-stuck' // IoT Core is in a state that no call of ours can bring back to the row
  | 'key-unusable' // the home of a signing key has no such key, or does not let it sign
  | 'pin-refused' // a token did not take its PIN, or was not asked again with a PIN that it refused
  | 'environment-incomplete' // a deployed function lacks a variable it needs
  | 'event-unknown'; // a function was invoked with an event it was never subscribed to
