/** `longwire chat` at a terminal of its own, and a server that is replaced between two questions. */
import { check } from './checks.ts';
import { FaultProxy } from '../packages/server/test/clients/fault-proxy.ts';
import type { FaultCase, FaultReport, Place } from './fault-stage.ts';
import { keyVariable, longwireProgram, startLongwire } from './longwire.ts';
import { Program } from './program.ts';
import { renderTalk, talk } from './workload.ts';

const answerTimeoutMs = 30_000;

/** The faults, in the order of the table. */
export const chatFaults: readonly FaultCase[] = [
  {
    fault: 'longwire chat: SIGTERM between two questions',
    expected: 'sends the whole conversation and goes on',
    play,
  },
];

async function play({ folder, signal }: Place): Promise<FaultReport> {
  const options = { folder, signal, workload: renderTalk() };
  const first = await startLongwire(options);
  await using proxy = await FaultProxy.start(first.baseUrl);
  await using chat = startChat(proxy.baseUrl, { folder, signal }, first.env);
  const answers: boolean[] = [];
  const ask = async (question: string, answer: string) => {
    chat.write(question);
    answers.push((await chat.until(() => chat.out.find((line) => line.includes(answer)), answerTimeoutMs)) !== null);
  };
  await chat.until(() => chat.out.find((line) => line.includes('/help')), answerTimeoutMs);
  await ask('one', talk[0]);
  const exitCode = await first.stop();
  const port = Number(new URL(first.baseUrl).port);
  await using _second = await startLongwire({ ...options, port });
  await ask('two', talk[1]);
  await ask('three', talk[2]);
  chat.write('/quit');
  const chatExitCode = await chat.exitCode(answerTimeoutMs);
  const traffic = proxy.requests.map(
    ({ socket, items, previousResponseId }) => `socket ${socket}: ${previousResponseId === null ? '' : '+'}${items}`,
  );
  return {
    seen: `${traffic.join(', ')}; closes ${proxy.serverCloses.join(' ')}; chat ends with ${chatExitCode}`,
    checks: [
      check('three answers that continue one another', answers.join() === 'true,true,true', answers.join(' ')),
      check(
        'question, answer, question came again, then only the new one',
        traffic.join() === expectedTraffic,
        traffic,
      ),
      check('the server left with 1012 and 0', proxy.serverCloses[0] === 1012 && exitCode === 0, exitCode),
      check('chat ends with 0', chatExitCode === 0, chatExitCode),
    ],
  };
}

const expectedTraffic = 'socket 1: 1,socket 2: 3,socket 2: +1';

/** Chat reads questions from a terminal only: `script` (util-linux) is one. */
function startChat(baseUrl: string, { folder, signal }: Place, env: NodeJS.ProcessEnv): Program {
  const words = [process.execPath, longwireProgram, 'chat', '--url', baseUrl, '--api-key', `env:${keyVariable}`];
  return new Program({
    command: 'script',
    args: ['--quiet', '--return', '--command', words.map((word) => `'${word}'`).join(' '), '/dev/null'],
    folder,
    env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', TERM: 'dumb', ...env },
    signal,
  });
}
