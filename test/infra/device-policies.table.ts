// What may a device do at the broker, all of it? This table is the expectation of the two device policies: a row that is
// not here is denied. `<own>`: the device's id. `<text>`: any text, none and further levels included, because the
// wildcard of an AWS IoT policy knows no levels.

export type Phase = 'registration' | 'operation';

export interface Right {
  /** Without `iot:`. */
  readonly action: string;
  /** Without the ARN in front of it; holds `<own>` and perhaps `<text>`. */
  readonly resource: string;
  readonly phases: readonly Phase[];
}

const TABLE = `
  action    | resource                                       | registration | operation
  Connect   | client/<own>                                   | yes          | yes
  Publish   | topic/wardkey/<own>/certificate/request        | yes          | yes
  Publish   | topic/wardkey/<own>/certificate/confirm        | yes          | yes
  Publish   | topic/wardkey/<own>/data-key/request           | -            | yes
  Publish   | topic/wardkey/<own>/telemetry/<text>           | -            | yes
  Subscribe | topicfilter/wardkey/<own>/certificate/accepted | yes          | yes
  Subscribe | topicfilter/wardkey/<own>/certificate/rejected | yes          | yes
  Subscribe | topicfilter/wardkey/<own>/certificate/renew    | -            | yes
  Subscribe | topicfilter/wardkey/<own>/data-key/accepted    | -            | yes
  Subscribe | topicfilter/wardkey/<own>/data-key/rejected    | -            | yes
  Receive   | topic/wardkey/<own>/certificate/accepted       | yes          | yes
  Receive   | topic/wardkey/<own>/certificate/rejected       | yes          | yes
  Receive   | topic/wardkey/<own>/certificate/renew          | -            | yes
  Receive   | topic/wardkey/<own>/data-key/accepted          | -            | yes
  Receive   | topic/wardkey/<own>/data-key/rejected          | -            | yes
`;

export const RIGHTS: readonly Right[] = TABLE.trim().split('\n').slice(1).map(readRow);

function readRow(line: string): Right {
  const [action = '', resource = '', registration, operation] = line.split('|').map((cell) => cell.trim());
  const phases = { registration, operation };
  const has = (phase: Phase) => phases[phase] === 'yes';
  return { action, resource, phases: (['registration', 'operation'] as const).filter(has) };
}
