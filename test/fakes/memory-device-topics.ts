// The topics of devices in memory: remembers what was published, as every device that listens would hear it.
import type { DeviceTopics } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

export interface PublishedMessage {
  readonly topic: string;
  readonly body: object;
}

export class MemoryDeviceTopics implements DeviceTopics {
  /** In order, repeats included. */
  readonly published: PublishedMessage[] = [];
  readonly #faults = new Faults<'publish'>();

  get calls(): readonly 'publish'[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<'publish'>): void {
    this.#faults.failNext(fault);
  }

  publish(topic: string, body: object): Promise<void> {
    return this.#faults.run('publish', () => {
      // What a device hears is text: nothing stays in it that JSON does not carry.
      this.published.push({ topic, body: JSON.parse(JSON.stringify(body)) as object });
    });
  }

  /** Bodies on one topic, in order. */
  on(topic: string): readonly object[] {
    return this.published.filter((message) => message.topic === topic).map(({ body }) => body);
  }
}
