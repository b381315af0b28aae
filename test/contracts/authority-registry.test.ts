// Do the CA register in memory and the one of AWS IoT Core keep the same promises?
import { afterAll, beforeAll } from 'vitest';

import { MemoryAuthorityRegistry } from '../fakes/memory-authority-registry.ts';
import { authorityRegistryContract } from './authority-registry-contract.ts';
import { IotStage } from './iot-stage.ts';

const memory = new MemoryAuthorityRegistry();

authorityRegistryContract('in memory', {
  authorities: () => memory,
  registered: () => undefined,
  isOpen: (id) => Promise.resolve(memory.isOpen(id)),
  enter(device, authority) {
    memory.enter(device.certificate.fingerprint, authority.certificate.fingerprint);
    return Promise.resolve(device.certificate.fingerprint);
  },
  beyond: {},
});

let stage: IotStage;

beforeAll(async () => {
  stage = await IotStage.open();
}, 60_000);

afterAll(() => stage.close());

authorityRegistryContract('AWS IoT Core (local cloud)', {
  authorities: () => stage.authorities,
  registered: (id) => {
    stage.removeAuthorityLater(id);
  },
  isOpen: (id) => stage.isOpen(id),
  enter: (device, authority) => stage.enter(device.pem, authority.pem),
  beyond: { 'only-authorities': 'MiniStack 1.5.33 registers any certificate as a CA' },
});
