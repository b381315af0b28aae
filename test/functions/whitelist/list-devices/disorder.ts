// How do workers meet in the tests? Every call to the registry waits for its turn, which fast-check draws.
import type fc from 'fast-check';

import type { Scene } from '../../scene.ts';

/** The same registry, but every call waits for its turn. */
export function disorder(scene: Scene, scheduler: fc.Scheduler): Scene {
  const registry = new Proxy(scene.registry, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...values: unknown[]): Promise<unknown> => {
        await scheduler.schedule(Promise.resolve(), String(name));
        return Reflect.apply(member, target, values);
      };
    },
  });
  return { ...scene, registry };
}
