/** What must hold of a trial, whatever went wrong on its line. */
import { ConnectionLostError, TurnTimeoutError } from '@longwire/client';
import { laneNames } from './rollout.ts';
import type { Peer, Trial } from './trial.ts';

/** With resumable connections a fault costs at most one more upgrade, and each lane sends its newest request once more. */
const upgradesOfFault = 1;
const requestsOfFault = laneNames.length;

/** What does not hold, as sentences; none where all is well. `uncut` is the same rollout on a good line. */
export function findFlaws(peer: Peer, trial: Trial, uncut: Trial): string[] {
  return [
    ...doubledTools(trial),
    ...doubledTurns(peer, trial),
    ...(peer === 'longwire' ? losses(trial, uncut) : dishonesties(trial, uncut)),
  ];
}

/** How many faults were met. */
export function countFaults({ connections }: Trial): number {
  return connections.reduce((sum, { faults, status }) => sum + faults.length + (status === 101 ? 0 : 1), 0);
}

/** What ended lanes before their time. */
export function findFailures({ story }: Trial): string[] {
  return laneNames.flatMap((name) => {
    const { error } = story.lanes[name];
    return error === null ? [] : [`${name} ended with ${error.name}: ${error.message}`];
  });
}

function doubledTools({ story }: Trial): string[] {
  return [...story.toolRuns].flatMap(([call, times]) => (times > 1 ? [`${call} ran ${times} times`] : []));
}

/** A model is asked once for each turn: more is a request that the client sent again without proof, or a frame that the server took twice. */
function doubledTurns(peer: Peer, { generations, connections }: Trial): string[] {
  // Without ordinals a server cannot know that it was the line that doubled a frame.
  const framesDoubled = connections
    .flatMap(({ faults }) => faults)
    .filter(({ fault, at }) => fault.kind === 'duplicate' && at.direction === 'up').length;
  const allowed = peer === 'standIn' ? framesDoubled : 0;
  const doubled = [...generations].filter(([, times]) => times > 1).map(([turn]) => turn);
  return doubled.length > allowed ? [`models were asked twice for ${doubled.join(', ')}`] : [];
}

/** Everything as if the line had never broken, at a bounded price. */
function losses(trial: Trial, uncut: Trial): string[] {
  const faults = countFaults(trial);
  return [
    ...findFailures(trial),
    ...laneNames.flatMap((name) => {
      const { error, transcript } = trial.story.lanes[name];
      return error === null ? firstDifference(name, transcript, uncut.story.lanes[name].transcript) : [];
    }),
    ...atMost('upgrades', trial.connections.length, uncut.connections.length + faults * upgradesOfFault),
    ...atMost('requests', trial.creates, uncut.creates + faults * requestsOfFault),
  ];
}

/** A lane comes to its end, or to the typed error that says what is known; up to there it is as if the line had never broken. */
function dishonesties({ story, connections }: Trial, uncut: Trial): string[] {
  return [
    ...laneNames.flatMap((name) => {
      const { error, transcript } = story.lanes[name];
      const whole = uncut.story.lanes[name].transcript;
      if (error === null) return firstDifference(name, transcript, whole);
      const flaws = firstDifference(name, transcript, whole.slice(0, transcript.length));
      if (isAmbiguous(error)) return flaws;
      return [...flaws, `${name} ended with ${error.name}: ${error.message} Nothing ambiguous had happened.`];
    }),
    ...atMost('upgrades', connections.length, uncut.connections.length + laneNames.length),
  ];
}

/** The typed error of a turn whose work may have been done: nothing else may stop an agent. */
function isAmbiguous(error: Error): boolean {
  return (error instanceof ConnectionLostError || error instanceof TurnTimeoutError) && error.sent;
}

function firstDifference(name: string, got: readonly string[], expected: readonly string[]): string[] {
  const length = Math.max(got.length, expected.length);
  for (let at = 0; at < length; at++) {
    if (got[at] === expected[at]) continue;
    return [`${name} differs at ${at}: ${got[at] ?? 'its end'}, not ${expected[at] ?? 'its end'}`];
  }
  return [];
}

function atMost(what: string, count: number, limit: number): string[] {
  return count <= limit ? [] : [`${count} ${what}, more than ${limit}`];
}
