/** What a proxy tells at its end. */
import { formatFault } from './fault.ts';
import type { ConnectionRecord } from './proxy.ts';

/** A line for each connection, and the options that play the same faults again. */
export function toChaosReport(connections: readonly ConnectionRecord[]): string {
  if (connections.length === 0) return 'No WebSocket was opened.\n';
  const refused = connections.filter(({ status }) => status !== 101);
  const faults = connections.flatMap((connection) => connection.faults);
  const again = [
    ...refused.flatMap(({ status, number }) => (status === null ? [] : [`--fault refuse:${status}@${number}`])),
    ...faults.map(({ fault, at }) => `--fault ${formatFault(fault, at)}`),
  ];
  return [
    'connection  answer  frames up  frames down  close  faults',
    ...connections.map(toLine),
    '',
    `${count(connections.length - refused.length, 'connection')}, ${count(faults.length, 'fault')}.`,
    ...(again.length > 0 ? [`Play it again: ${again.join(' ')}`] : []),
    '',
  ].join('\n');
}

function toLine({ number, status, up, down, serverCloseCode, faults }: ConnectionRecord): string {
  return [
    String(number).padEnd(12),
    String(status ?? 'none').padEnd(8),
    String(up).padEnd(11),
    String(down).padEnd(13),
    String(serverCloseCode ?? '–').padEnd(7),
    faults.map(({ fault, at }) => formatFault(fault, at)).join(' ') || '–',
  ].join('');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
