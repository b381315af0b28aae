// What is an owner called? An opaque id of this deployment: it appears in contexts that CloudTrail shows in clear text.

const OWNER_ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])$/;
/** Names that read like authority over others (T143). */
const RESERVED = new Set(['root', 'system', 'wardkey', 'admin']);

export function isOwnerId(text: string): boolean {
  return OWNER_ID.test(text) && !RESERVED.has(text);
}
