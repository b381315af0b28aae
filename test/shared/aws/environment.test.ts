// Does a function know its tables, its bucket and its STS from its environment alone, and never by a default?
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import {
  count,
  queues,
  roleMap,
  s3Client,
  stsEndpoint,
  tableNames,
  variable,
} from '../../../shared/aws/environment.ts';

const VARIABLES = [
  'AWS_ENDPOINT_URL',
  'AWS_REGION',
  'WHITELIST_TABLE',
  'LEDGER_TABLE',
  'WARDKEY_ROLES',
  'WARDKEY_PENDING_DAYS',
  'ALIGNMENT_QUEUE_URL',
  'AUTHORITY_QUEUE_URL',
];

beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([undefined, ''])('a variable that is %j is a fault that names it', (value) => {
  vi.stubEnv('WHITELIST_TABLE', value);
  const fault = { code: 'environment-incomplete', message: expect.stringContaining('WHITELIST_TABLE') as unknown };
  expect(() => variable('whitelist')).toThrow(expect.objectContaining(fault) as Error);
});

test('a function knows the tables it uses and no other', () => {
  vi.stubEnv('WHITELIST_TABLE', 'w');
  vi.stubEnv('LEDGER_TABLE', 'l');
  expect(tableNames('whitelist', 'ledger')).toEqual({ whitelist: 'w', ledger: 'l' });
  expect(() => tableNames('whitelist', 'devices')).toThrow('DEVICES_TABLE');
});

test('a function knows the queues it asks through and no other', () => {
  vi.stubEnv('ALIGNMENT_QUEUE_URL', 'a');
  vi.stubEnv('AUTHORITY_QUEUE_URL', 'b');
  expect(queues('devices', 'authorities')).toEqual({ devices: 'a', authorities: 'b' });
  expect(() => queues('devices', 'certificates')).toThrow('CERTIFICATE_QUEUE_URL');
});

test.each(['1', '30', '365'])('a count is a whole number from 1: %s', (value) => {
  vi.stubEnv('WARDKEY_PENDING_DAYS', value);
  expect(count('pendingDays')).toBe(Number(value));
});

test.each([undefined, '', '0', '-1', '1.5', 'many', 'NaN', 'Infinity'])('%j is no count but a fault', (value) => {
  vi.stubEnv('WARDKEY_PENDING_DAYS', value);
  const fault = { code: 'environment-incomplete', message: expect.stringContaining('WARDKEY_PENDING_DAYS') as unknown };
  expect(() => count('pendingDays')).toThrow(expect.objectContaining(fault) as Error);
});

test('a function knows who may do what from its role map', () => {
  const roles = { operator: ['arn:aws:iam::123456789012:user/ann'], approver: [] };
  vi.stubEnv('WARDKEY_ROLES', JSON.stringify(roles));
  expect(roleMap()).toEqual(roles);
});

test.each([undefined, '', 'given', '{}', '[]', '{"operator":[]}', '{"operator":"*","approver":"*"}'])(
  'the role map %j is a fault that names its variable, never an empty one',
  (value) => {
    vi.stubEnv('WARDKEY_ROLES', value);
    const fault = { code: 'environment-incomplete', message: expect.stringContaining('WARDKEY_ROLES') as unknown };
    expect(() => roleMap()).toThrow(expect.objectContaining(fault) as Error);
  },
);

test('asks the Regional endpoint of AWS STS, or the one endpoint of the local cloud', () => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  expect(stsEndpoint()).toBe('https://sts.eu-central-1.amazonaws.com');
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://localhost:4566');
  expect(stsEndpoint()).toBe('http://localhost:4566');
});

test('no Region is a fault: there is no STS to fall back to', () => {
  expect(() => stsEndpoint()).toThrow(expect.objectContaining({ code: 'environment-incomplete' }) as Error);
});

test.each([
  [undefined, false],
  ['http://localhost:4566', true],
])('with the endpoint %s buckets are named in the path: %s', (endpoint, inPath) => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  expect(s3Client().config.forcePathStyle).toBe(inPath);
});
