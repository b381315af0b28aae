// `wardkey replay`: what would have been decided? A recorded event against the rows it met, offline.
import type { Command } from 'commander';

import type { Refusal } from '../../shared/reasons.ts';
import { BREAKER } from '../../shared/whitelist/breaker.ts';
import { answering } from '../command.ts';
import { readText } from '../files.ts';
import { describeConnect, shorten, when } from '../explain.ts';
import { describeRefusal } from '../invoke.ts';
import {
  parseReplayFile,
  replayRegisterDevice,
  type BrokerRequest,
  type Replay,
  type ReplayFile,
  type Wish,
} from '../replay.ts';
import { colour, plain, table, type Answer } from '../terminal.ts';

export function addReplayCommand(program: Command): void {
  const replay = program.command('replay').description('replay an event file of events/ offline and show the verdict');
  answering(replay.argument('<file>', 'events/<step>/<case>.json'), async ([file = '']) => {
    const recorded = parseOrNothing(readText(file));
    if (recorded !== undefined) return describe(await replayRegisterDevice(recorded));
    const json = { outcome: 'invalid', file };
    return { ok: false, json, text: `"${file}" is not a recorded event: expected { event, world } as in events/` };
  });
}

function parseOrNothing(text: string): ReplayFile | undefined {
  try {
    return parseReplayFile(text);
  } catch {
    return undefined;
  }
}

function describe(replay: Replay): Answer {
  const { outcome, explanation, connect } = replay;
  const lines = [
    plain(describeConnect(connect)),
    describeOutcome(outcome),
    plain(`What happened: ${explanation.happened}`),
    plain(`What to do: ${explanation.toDo}`),
    describeEvidence(replay),
    describeRequests(replay),
  ];
  return { ok: outcome.outcome === 'done', json: replay, text: lines.join('\n') };
}

function describeOutcome(outcome: Replay['outcome']): string {
  if (outcome.outcome === 'refused') return describeRefusal(shortenValues(outcome.refusal));
  const { verdict, device } = outcome.value;
  return `${colour('green', 'done')}: ${verdict}${device === '' ? '' : plain(` (device ${device})`)}`;
}

/** Hashes are for the table below, where they can be copied whole. */
function shortenValues(refusal: Refusal): Refusal {
  const values = Object.entries(refusal).map(([name, value]) => [
    name,
    typeof value === 'string' ? shorten(value) : value,
  ]);
  return Object.fromEntries(values) as Refusal;
}

function describeEvidence({ entries }: Replay): string {
  const rows = entries.map(({ stream, seq, kind }) => [`${stream} #${seq}`, kind]);
  return rows.length === 0 ? 'no entry' : table(['entry', 'kind'], rows);
}

function describeRequests(replay: Replay): string {
  const wishes = replay.wish === undefined ? [] : [describeWish(replay.wish)];
  const asked = [...replay.requests.flatMap((request) => describeRequest(request, replay)), ...wishes];
  if (asked.length === 0) return 'Nothing is asked of AWS IoT Core.';
  return plain(['Asked of AWS IoT Core:', ...asked.map((line) => `  - ${line}`)].join('\n'));
}

function describeRequest({ about, id }: BrokerRequest, { outcome, connect }: Replay): readonly string[] {
  switch (about) {
    case 'device':
      return outcome.outcome === 'done' && outcome.value.verdict === 'reset'
        ? [`forget the certificate of the factory that device ${id} showed: its next connect is a first one`]
        : [`see to it that device ${id} is let in`];
    case 'authority':
      return [
        `take in no new certificate of the authority ${shorten(id)} for ${BREAKER.coolDownSeconds / 60} minutes: it looks stolen`,
      ];
    case 'certificate':
    case 'revocation':
      // Of the certificate that came in, the wish beside it says what is to happen; another one has ended by this.
      return id === connect.certificateId ? [] : [`take certificate ${shorten(id)} away: it has ended`];
  }
}

function describeWish({ certificateId, wanted, brokerPending = '' }: Wish): string {
  const certificate = `certificate ${shorten(certificateId)}`;
  switch (wanted) {
    case 'revoked':
      return `revoke ${certificate} for good`;
    case 'absent':
      return `let ${certificate} wait until ${when(brokerPending)}, and forget it then if it still waits: its next connect is a first one again`;
    case 'removed':
      return `take ${certificate} from the broker: it has ended`;
    case 'known':
      return `know ${certificate}, switched off`;
  }
}
