// What does the broker add to what a device says? Who is connected, by its own word; the payload goes along byte for byte, so that
// no member of it can pose as one of the broker's (T085).
export function deviceRequests(topic: string): string {
  return (
    "SELECT encode(*, 'base64') AS message, clientid() AS client, topic(2) AS thing, principal() AS principal, " +
    `timestamp() AS receivedAt FROM 'wardkey/+/${topic}'`
  );
}
