// What is `align-broker` asked, and what is no question to it?
import { expect, test } from 'vitest';

import { isSweep, parseRequest } from '../../../../functions/onboarding/align-broker/request.ts';

test('reads the device to look at', () => {
  expect(parseRequest('{"device":"acme-P1001"}')).toEqual({ outcome: 'done', value: { device: 'acme-P1001' } });
});

test('reads the certificate to look at', () => {
  const certificate = 'a'.repeat(64);
  expect(parseRequest(JSON.stringify({ certificate }))).toEqual({ outcome: 'done', value: { certificate } });
});

test.each([
  { certificate: 'A'.repeat(64) },
  { certificate: 'a'.repeat(63) },
  { certificate: '../x' },
  { certificate: 'a'.repeat(64), device: 'acme-P1001' },
])('refuses %j as a certificate', (request) => {
  expect(parseRequest(JSON.stringify(request))).toMatchObject({
    outcome: 'refused',
    refusal: { reason: 'request-malformed' },
  });
});

test.each(['', '{}', '[]', 'null', '{"device":7}', '{"device":"acme-P1001","force":true}', '{"sweep":true}'])(
  'refuses "%s" as a request',
  (body) => {
    expect(parseRequest(body)).toMatchObject({ outcome: 'refused', refusal: { reason: 'request-malformed' } });
  },
);

test.each(['acme-+', 'acme-#', '${iot:ClientId}', '../x', ''])('T035 refuses "%s" as a device id', (device) => {
  expect(parseRequest(JSON.stringify({ device }))).toMatchObject({
    outcome: 'refused',
    refusal: { reason: 'id-malformed' },
  });
});

test.each<[event: unknown, sweep: boolean]>([
  [{ sweep: true }, true],
  [{ sweep: false }, false],
  [{ sweep: true, device: 'acme-P1001' }, false],
  [{ Records: [] }, false],
  [undefined, false],
])('takes %j for a sweep: %s', (event, sweep) => {
  expect(isSweep(event)).toBe(sweep);
});
