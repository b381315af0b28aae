// Messages to devices over AWS IoT Core. Decides nothing.
import { PublishCommand, type IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';

import type { DeviceTopics } from '../ports.ts';

export function iotDeviceTopics(client: IoTDataPlaneClient): DeviceTopics {
  return {
    async publish(topic, body) {
      await client.send(new PublishCommand({ topic, qos: 1, payload: Buffer.from(JSON.stringify(body)) }));
    },
  };
}
