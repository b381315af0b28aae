// What do the commands about a device's standing ask for, and does whoever asked read what has ended, and what has not yet?
import { CommanderError } from 'commander';
import { afterEach, describe, expect, test } from 'vitest';

import { addDeviceCommands } from '../../cli/commands/device.ts';
import { UsageError } from '../../cli/terminal.ts';
import type { StandingChange } from '../../shared/governance/changes.ts';
import { effectsOf } from '../../shared/governance/effects.ts';
import { STANDING_CAUSES } from '../../shared/lifecycle.ts';
import { done, refused } from '../../shared/outcome.ts';
import { denied, operational } from '../shared/devices.ts';
import { closeStage, openStage } from './lambda-stage.ts';

const ID = 'acme-P1001';
const UNCHANGED: StandingChange = { device: ID, result: 'unchanged', state: 'quarantined' };

afterEach(closeStage);

describe('each command asks for one act:', () => {
  test.each<[command: string[], act: object]>([
    [['quarantine', ID, '--level', 'cut', '--cause', 'lost'], { kind: 'quarantine', level: 'cut', cause: 'lost' }],
    [['deny', ID, '--cause', 'stolen'], { kind: 'deny', cause: 'stolen' }],
    [['retire', ID, '--cause', 'end-of-life'], { kind: 'retire', cause: 'end-of-life' }],
    [['reset', ID, '--hours', '4'], { kind: 'open-window', hours: 4 }],
    [['reset', ID, '--hours', '72'], { kind: 'open-window', hours: 72 }],
    [['place', ID, '--ward', 'ward-7'], { kind: 'place', ward: 'ward-7' }],
  ])('%j', async (command, act) => {
    const stage = openStage(addDeviceCommands, done(UNCHANGED));
    await stage.run('device', ...command);
    expect(stage.asked).toEqual([{ step: 'change-standing', act: { ...act, device: ID } }]);
    expect(process.exitCode).toBe(0);
  });

  test.each(STANDING_CAUSES)('for the cause %s', async (cause) => {
    const stage = openStage(addDeviceCommands, done(UNCHANGED));
    await stage.run('device', 'retire', ID, '--cause', cause);
    expect(stage.asked).toMatchObject([{ act: { cause } }]);
  });
});

describe('a slip of the hand is told, and nothing is asked of AWS:', () => {
  test.each(['0', '73', '-1', '1.5', '4h', '', ' 4', '1e1', '100'])('a window of "%s" hours', async (hours) => {
    const stage = openStage(addDeviceCommands, done(UNCHANGED));
    const running = stage.run('device', 'reset', ID, `--hours=${hours}`);
    await expect(running).rejects.toThrow(UsageError);
    await expect(running).rejects.toThrow(`--hours "${hours}": expected a whole number from 1 to 72`);
    expect(stage.asked).toEqual([]);
  });

  test.each([
    [['retire', ID]],
    [['retire', ID, '--cause', 'room 7']],
    [['reset', ID]],
    [['place', ID]],
    [['quarantine', ID, '--cause', 'lost']],
    [['lift']],
  ])('device %j', async (command) => {
    const stage = openStage(addDeviceCommands, done(UNCHANGED));
    await expect(stage.run('device', ...command)).rejects.toThrow(CommanderError);
    expect(stage.asked).toEqual([]);
  });
});

describe('the answer', () => {
  const effects = effectsOf(operational, denied['denied at work']);

  test.each(['quarantine', 'deny', 'retire'])(
    'to %s tells what has ended, and what follows within which time',
    async (kind) => {
      const change: StandingChange = { device: ID, result: 'changed', state: 'denied', effects };
      const stage = openStage(addDeviceCommands, done(change));
      const level = kind === 'quarantine' ? ['--level', 'cut'] : [];
      const text = await stage.run('device', kind, ID, '--cause', 'lost', ...level);
      expect(text).toContain(`changed: ${ID} is denied`);
      const rows = text.split('\n').filter((line) => line.startsWith('│'));
      const told = rows.map((row) => row.split('│').slice(1, 3)).map((cells) => cells.map((cell) => cell.trim()));
      expect(told.map(([what]) => what)).toEqual([
        'what follows',
        'it gets no new certificate',
        'it is not admitted',
        'the broker refuses it',
        'its open session is closed',
        'the revocation list names its certificates',
      ]);
      const within = effects.later.map((effect) => `within ${effect.within}`);
      expect(told.map(([, time]) => time)).toEqual(['when', 'at once', 'at once', ...within]);
      expect(effects.later).toHaveLength(3);
    },
  );

  test('that nothing changed tells of no effect', async () => {
    const stage = openStage(addDeviceCommands, done(UNCHANGED));
    const text = await stage.run('device', 'quarantine', ID, '--cause', 'lost', '--level', 'cut');
    expect(text).toBe(`unchanged: ${ID} is quarantined\n`);
  });

  test('with --json is the function’s own, whole', async () => {
    const change: StandingChange = { device: ID, result: 'changed', state: 'denied', effects };
    const stage = openStage(addDeviceCommands, done(change));
    expect(JSON.parse(await stage.run('device', 'deny', ID, '--cause', 'lost', '--json'))).toEqual(done(change));
  });

  test('of an open window says for how long, and what is to be done at the device', async () => {
    const stage = openStage(addDeviceCommands, done({ device: ID, result: 'changed', state: 'operational' }));
    const text = await stage.run('device', 'reset', ID, '--hours', '4');
    expect(text).toContain(`for 4 h, ${ID} may begin anew`);
    expect(text).toContain('when no patient depends on it');
    expect(text).toMatch(/1 Switch it off[\s\S]*2 Have it forget[\s\S]*3 Switch it on/);
  });

  test('of a place says where it is kept: in the state it had', async () => {
    const stage = openStage(addDeviceCommands, done({ device: ID, result: 'changed', state: 'operational' }));
    expect(await stage.run('device', 'place', ID, '--ward', 'ward-7')).toBe(`changed: ${ID} is operational\n`);
  });

  test('of a refusal names the reason, and the exit code is 1', async () => {
    const refusal = { reason: 'window-unusable', device: ID, state: 'owned' } as const;
    const stage = openStage(addDeviceCommands, refused(refusal));
    expect(await stage.run('device', 'reset', ID, '--hours', '4')).toMatch(/^refused: window-unusable: /);
    expect(process.exitCode).toBe(1);
  });

  test('T122 does not let a name in it steer the terminal', async () => {
    const stage = openStage(addDeviceCommands, done({ ...UNCHANGED, device: 'acme\u001b[2J' }));
    const text = await stage.run('device', 'deny', ID, '--cause', 'lost');
    expect(text).toContain(String.raw`acme\u001b[2J`);
    expect(text).not.toContain('\u001b');
  });
});

describe('device lift', () => {
  const APPROVAL = {
    approval: 'id-7',
    digest: 'd'.repeat(64),
    act: { kind: 'lift', device: ID, quarantinedAt: '2026-11-24T12:00:00.000Z' },
    requester: 'arn:aws:sts::123456789012:assumed-role/approver/bob',
    expiresAt: '2026-11-25T12:00:00.000Z',
  } as const;

  test('requests, shows what the other person is to look at, and prints the command to approve it', async () => {
    const stage = openStage(addDeviceCommands, done(APPROVAL));
    const text = await stage.run('device', 'lift', ID);
    expect(stage.asked).toEqual([{ step: 'approve-act', act: { kind: 'request-lift', device: ID } }]);
    for (const shown of [ID, APPROVAL.act.quarantinedAt, APPROVAL.requester, APPROVAL.expiresAt])
      expect(text).toContain(shown);
    expect(text).toContain(`\n  wardkey approval approve id-7 ${APPROVAL.digest} --region eu-central-1\n`);
  });

  test('prints the command for the same deployment', async () => {
    const stage = openStage(addDeviceCommands, done(APPROVAL));
    const text = await stage.run('device', 'lift', ID, '--prefix', 'north');
    expect(text).toContain(`wardkey approval approve id-7 ${APPROVAL.digest} --prefix north --region eu-central-1\n`);
  });

  test.each(['not-permitted', 'key-suspect', 'not-quarantined'] as const)(
    'that is refused (%s) says so',
    async (reason) => {
      const stage = openStage(addDeviceCommands, refused({ reason, device: ID } as never));
      expect(await stage.run('device', 'lift', ID)).toMatch(new RegExp(`^refused: ${reason}: `));
      expect(process.exitCode).toBe(1);
    },
  );
});
