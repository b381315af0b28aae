// Which MQTT clients may a device be made of? mqtt.js, mosquitto and the AWS IoT Device SDK for Python, each in both versions of the
// protocol: connects with mutual TLS, publishes once, and says what the broker made of it.
import { readFileSync } from 'node:fs';

import { connect, type MqttClient } from 'mqtt';

import type { MadeDevice } from '../../cli/station/devices.ts';
import type { Stage } from './stage.ts';
import { run } from './stage.ts';

export interface Attempt {
  readonly device: MadeDevice;
  readonly client: string;
  readonly topic: string;
  readonly payload?: string;
}

export type Answer = 'published' | 'refused' | 'closed';

export type Publish = (stage: Stage, attempt: Attempt) => Promise<Answer>;

const PATIENCE_MS = 5_000;

export function mqttJs(protocolVersion: 4 | 5): Publish {
  return async ({ broker }, { device, client: clientId, topic, payload = '{}' }) => {
    const [cert, key] = [readFileSync(device.certificateFile), readFileSync(device.keyFile)];
    const { host, port, endpoint: servername, ca } = broker;
    const where = { protocol: 'mqtts', host, port, servername, ca } as const;
    const client = connect({ ...where, cert, key, clientId, protocolVersion, reconnectPeriod: 0 });
    try {
      return (await opens(client)) ? await publishes(client, topic, payload) : 'closed';
    } finally {
      client.end(true);
    }
  };
}

function opens(client: MqttClient): Promise<boolean> {
  return new Promise((resolve) => {
    client.once('connect', () => {
      resolve(true);
    });
    client.on('error', () => undefined);
    client.once('close', () => {
      resolve(false);
    });
  });
}

/** Version 3.1.1 knows no refusal of a message: the broker closes, or says nothing. */
function publishes(client: MqttClient, topic: string, payload: string): Promise<Answer> {
  return new Promise((resolve) => {
    const refuse = () => {
      resolve('refused');
    };
    client.once('close', refuse);
    setTimeout(refuse, PATIENCE_MS).unref();
    client.publish(topic, payload, { qos: 1 }, (error) => {
      resolve(error instanceof Error ? 'refused' : 'published');
    });
  });
}

export function mosquittoPub(program: string, version: 'mqttv311' | 'mqttv5'): Publish {
  return async (stage, { device, client, topic }) => {
    const { code, stderr } = await run(program, [
      ...['-h', 'localhost', '-p', String(stage.broker.port), '-V', version, '-q', '1', '-i', client],
      ...['--cafile', stage.brokerCaFile, '--cert', device.certificateFile, '--key', device.keyFile],
      ...['-t', topic, '-m', '{}'],
    ]);
    // It says that a message was refused, and may still exit with 0.
    if (/connection refused|connection error/i.test(stderr)) return 'closed';
    return code === 0 && stderr === '' ? 'published' : 'refused';
  };
}

const SCRIPT = 'test/counterparts/device-sdk/connect.py';

export function pythonSdk(python: string, protocol: '3' | '5'): Publish {
  return async (stage, { device, client, topic }) => {
    const files = [stage.brokerCaFile, device.certificateFile, device.keyFile];
    const { stdout, stderr } = await run(python, [
      SCRIPT,
      protocol,
      String(stage.broker.port),
      ...files,
      client,
      topic,
    ]);
    const answer = (['published', 'refused', 'closed'] as const).find((word) => stdout.startsWith(word));
    if (answer === undefined) throw new Error(`${SCRIPT}: ${stdout}${stderr}`);
    return answer;
  };
}
