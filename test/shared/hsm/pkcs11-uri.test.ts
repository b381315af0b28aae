// Does a `pkcs11:` URI name what RFC 7512 says, and does nothing pass that could name another key?
import { describe, expect, test } from 'vitest';

import { parsePkcs11TokenUri, parsePkcs11Uri } from '../../../shared/hsm/pkcs11-uri.ts';

const QUERY = '?module-path=/usr/lib/hsm.so';

describe('parsePkcs11Uri', () => {
  test('reads module, token, key and the file of the PIN', () => {
    const uri =
      'pkcs11:token=Ward%20Key;manufacturer=Acme;serial=0a1b;model=v2;object=issuing%3b1;id=%00%ffA;type=private' +
      '?module-path=/usr/lib/hsm%20v2.so&pin-source=file:/run/secrets/p%2569n';
    expect(parsePkcs11Uri(uri)).toEqual({
      outcome: 'done',
      value: {
        modulePath: '/usr/lib/hsm v2.so',
        token: { token: 'Ward Key', manufacturer: 'Acme', serial: '0a1b', model: 'v2' },
        key: { object: 'issuing;1', id: Buffer.from([0, 0xff, 0x41]) },
        pinFile: '/run/secrets/pin',
      },
    });
  });

  test.each([
    ['an id alone', `pkcs11:serial=1;id=%01${QUERY}`, { id: Buffer.from([1]) }],
    ['a label in UTF-8', `pkcs11:serial=1;object=%C3%BC${QUERY}`, { object: 'ü' }],
    [
      'every character that needs no escape',
      `pkcs11:serial=1;object=aZ0-._~:[]@!$'()*+,=&${QUERY}`,
      {
        object: "aZ0-._~:[]@!$'()*+,=&",
      },
    ],
  ])('reads %s', (_what, uri, key) => {
    expect(parsePkcs11Uri(uri)).toMatchObject({ outcome: 'done', value: { key, pinFile: undefined } });
  });

  test.each([
    ['file:/run/pin', '/run/pin'],
    ['file:///run/pin', '/run/pin'],
    ['file://localhost/run/pin', '/run/pin'],
    ['/run/a%26b', '/run/a&b'],
  ])('takes the PIN from %s', (source, pinFile) => {
    const uri = `pkcs11:serial=1;id=%01${QUERY}&pin-source=${source}`;
    expect(parsePkcs11Uri(uri)).toMatchObject({ value: { pinFile } });
  });

  test.each([
    ['another scheme', `PKCS11:serial=1;id=%01${QUERY}`],
    ['no token', `pkcs11:object=a${QUERY}`],
    ['no key', `pkcs11:serial=1${QUERY}`],
    ['nothing', 'pkcs11:'],
    ['no module', 'pkcs11:serial=1;id=%01'],
    ['a relative module: the folder of the process would choose it', 'pkcs11:serial=1;id=%01?module-path=hsm.so'],
    ['an attribute twice', `pkcs11:serial=1;serial=2;id=%01${QUERY}`],
    ['a query attribute twice', `pkcs11:serial=1;id=%01${QUERY}&module-path=/b.so`],
    ['an unknown attribute: it might name another key', `pkcs11:serial=1;id=%01;x-slot=2${QUERY}`],
    ['a slot, which is another token after the next start', `pkcs11:slot-id=1;id=%01${QUERY}`],
    ['an unknown query attribute', `pkcs11:serial=1;id=%01${QUERY}&module-name=b`],
    ['a public key', `pkcs11:serial=1;id=%01;type=public${QUERY}`],
    ['an attribute of the path in the query', `pkcs11:serial=1${QUERY}&object=a`],
    ['an empty value', `pkcs11:serial=;id=%01${QUERY}`],
    ['an attribute without a value', `pkcs11:serial;id=%01${QUERY}`],
    ['an attribute of no name', `pkcs11:=1;id=%01${QUERY}`],
    ['a separator too many', `pkcs11:serial=1;;id=%01${QUERY}`],
    ['half an escape', `pkcs11:serial=1;object=%4${QUERY}`],
    ['a blank', `pkcs11:serial=1;object=a b${QUERY}`],
    ['a slash in the path', `pkcs11:serial=1;object=a/b${QUERY}`],
    ['text that is no UTF-8', `pkcs11:serial=1;object=%ff${QUERY}`],
    ['a zero byte, where C would end the text', `pkcs11:serial=1;object=a%00b${QUERY}`],
    ['a zero byte in the module', 'pkcs11:serial=1;id=%01?module-path=/a%00b'],
    ['a command for the PIN', `pkcs11:serial=1;id=%01${QUERY}&pin-source=|/bin/cat`],
    ['a PIN from the network', `pkcs11:serial=1;id=%01${QUERY}&pin-source=https://pin.example/pin`],
    ['a relative file for the PIN', `pkcs11:serial=1;id=%01${QUERY}&pin-source=pin`],
    ['a line behind it', `pkcs11:serial=1;id=%01${QUERY}\n`],
  ])('refuses %s', (_what, uri) => {
    expect(parsePkcs11Uri(uri)).toMatchObject({ outcome: 'refused', refusal: { reason: 'request-malformed' } });
  });

  test('refuses a PIN in the URI, which logs and lists of processes show, and repeats nothing of it', () => {
    const parsed = parsePkcs11Uri(`pkcs11:serial=1;id=%01${QUERY}&pin-value=unspeakable`);
    expect(parsed).toMatchObject({ outcome: 'refused' });
    expect(JSON.stringify(parsed)).not.toContain('unspeakable');
  });
});

describe('parsePkcs11TokenUri', () => {
  test('reads module, token and the file of the PIN', () => {
    const uri = `pkcs11:token=Ward%20Key;serial=0a1b${QUERY}&pin-source=file:/run/pin`;
    expect(parsePkcs11TokenUri(uri)).toEqual({
      outcome: 'done',
      value: { modulePath: '/usr/lib/hsm.so', token: { token: 'Ward Key', serial: '0a1b' }, pinFile: '/run/pin' },
    });
  });

  test.each([
    ['a label: its key would be passed over', `pkcs11:token=a;object=b${QUERY}`],
    ['an id', `pkcs11:token=a;id=%01${QUERY}`],
    ['a type', `pkcs11:token=a;type=private${QUERY}`],
    ['no token', `pkcs11:${QUERY}`],
    ['no module', 'pkcs11:token=a'],
    ['a PIN', `pkcs11:token=a${QUERY}&pin-value=unspeakable`],
    ['text that is no UTF-8', `pkcs11:token=%ff${QUERY}`],
    ['a command for the PIN', `pkcs11:token=a${QUERY}&pin-source=|/bin/cat`],
    ['another scheme', `http://token=a${QUERY}`],
  ])('refuses %s', (_what, uri) => {
    const parsed = parsePkcs11TokenUri(uri);
    expect(parsed).toMatchObject({ outcome: 'refused', refusal: { reason: 'request-malformed' } });
    expect(JSON.stringify(parsed)).not.toContain('unspeakable');
  });
});
