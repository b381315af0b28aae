// What does a change of standing end, and when? Said to whoever asked for it, so that nobody hopes for more (blueprint step 3).
import { endedBetween, isAdmitted, operationalOf, type Device } from '../lifecycle.ts';

export interface Effects {
  /** Ended when the answer was given: the row says so, and every decision reads it. */
  readonly atOnce: readonly ('new certificates' | 'admission')[];
  /** What follows, and what it waits for. */
  readonly later: readonly LaterEffect[];
}

export interface LaterEffect {
  readonly what: 'new connections' | 'the open session' | 'revocation lists';
  readonly within: string;
}

const NEW_CONNECTIONS = 'seconds; a minute more when a request was lost, longer while thousands of others wait';
const OPEN_SESSION = 'a few minutes after that: AWS IoT Core states no other bound';
const LISTS = 'an hour';

/** Of a device that had something to lose. */
export function effectsOf(previous: Device | undefined, next: Device): Effects {
  const ended = endedBetween(previous, next).length > 0;
  const closed = isIn(previous) && !isIn(next);
  return {
    atOnce: closed ? ['new certificates', 'admission'] : ['new certificates'],
    later: [
      ...(closed
        ? ([after('new connections', NEW_CONNECTIONS), after('the open session', OPEN_SESSION)] as const)
        : []),
      ...(ended ? [after('revocation lists', LISTS)] : []),
    ],
  };
}

function isIn(device: Device | undefined): boolean {
  return (
    device !== undefined && (isAdmitted(device) || operationalOf(device).some(({ status }) => status === 'active'))
  );
}

function after(what: LaterEffect['what'], within: string): LaterEffect {
  return { what, within };
}
