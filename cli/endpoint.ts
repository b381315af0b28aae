// Where do devices of this place connect? The account's data endpoint; locally its name goes to a loopback port.
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

import type { Broker } from '../device/connect.ts';
import type { Place } from './place.ts';

export interface EndpointOptions {
  readonly endpoint?: string;
  readonly ca?: string;
}

const MQTT_TLS_PORT = 8883;

export async function findBroker({ config, local }: Place, options: EndpointOptions = {}): Promise<Broker> {
  const endpoint = options.endpoint ?? (await describeEndpoint(new IoTClient(config)));
  const given = options.ca === undefined ? undefined : readFileSync(options.ca, 'utf8');
  if (local !== undefined) return { host: local.mqttHost, port: local.mqttPort, endpoint, ca: given ?? local.caPem };
  return { host: endpoint, port: MQTT_TLS_PORT, endpoint, ca: given ?? rootCertificates.join('\n') };
}

async function describeEndpoint(client: IoTClient): Promise<string> {
  const { endpointAddress } = await client.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
  if (endpointAddress === undefined) throw new Error('AWS IoT Core named no endpoint');
  // The local cloud adds its HTTP port to the name.
  return endpointAddress.replace(/:\d+$/, '');
}
