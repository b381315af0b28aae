// How does one write a revocation list in which anything may be wrong? Each field as its DER, signed as it then stands.
import { parseRevocationList, type RevocationList } from '../../shared/identity/revocation-list.ts';
import { algorithmOf, extension, signatureOf, timeOf, type Crafted, type Digest } from './crafted.ts';
import { tlv } from './der.ts';

export interface ListWishes {
  readonly issuer: Pick<Crafted, 'keys' | 'subject'>;
  readonly revoked?: readonly RevokedWish[];
  readonly thisUpdate?: string;
  readonly nextUpdate?: string;
  /** crlExtensions; a cRLNumber of 7 unless told. */
  readonly extensions?: readonly Buffer[];
  readonly digest?: Digest;
  /** Changes the fields of the TBSCertList before they are signed. */
  readonly change?: (fields: readonly Buffer[]) => readonly Buffer[];
}

export interface RevokedWish {
  /** Content of the INTEGER, in hex. */
  readonly serial: string;
  readonly revokedAt?: string;
  readonly extensions?: readonly Buffer[];
}

export function craftList(wishes: ListWishes): RevocationList {
  const list = parseRevocationList(craftListDer(wishes));
  if (list.outcome === 'refused') throw new Error(`crafted: ${JSON.stringify(list.refusal)}`);
  return list.value;
}

export function craftListDer({ issuer, revoked = [], change = (fields) => fields, ...wishes }: ListWishes): Buffer {
  const { extensions = [NUMBER], digest } = wishes;
  const { privateKey } = issuer.keys;
  const fields = change([
    tlv(0x02, Buffer.from([1])),
    algorithmOf(privateKey, digest),
    issuer.subject,
    timeOf(wishes.thisUpdate ?? '2026-11-01T00:00:00Z'),
    timeOf(wishes.nextUpdate ?? '2026-12-01T00:00:00Z'),
    ...(revoked.length > 0 ? [tlv(0x30, ...revoked.map(entryOf))] : []),
    ...(extensions.length > 0 ? [tlv(0xa0, tlv(0x30, ...extensions))] : []),
  ]);
  const content = tlv(0x30, ...fields);
  return tlv(0x30, content, algorithmOf(privateKey, digest), signatureOf(content, privateKey, digest));
}

function entryOf({ serial, revokedAt = '2026-10-01T00:00:00Z', extensions = [] }: RevokedWish): Buffer {
  const more = extensions.length > 0 ? [tlv(0x30, ...extensions)] : [];
  return tlv(0x30, tlv(0x02, Buffer.from(serial, 'hex')), timeOf(revokedAt), ...more);
}

/** cRLNumber 7. */
export const NUMBER = extension('551d14', tlv(0x02, Buffer.from([7])));
