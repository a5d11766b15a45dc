/** `longwire chaos`: a line that breaks where it is told to, between any client and any server of the Responses API. */
import { formatFault } from '../chaos/fault.ts';
import { createFate } from '../chaos/plan.ts';
import { startChaosProxy } from '../chaos/proxy.ts';
import type { ChaosProxy } from '../chaos/proxy.ts';
import { toChaosReport } from '../chaos/report.ts';
import { chaosOptionsHelp, parseChaosOptions } from './chaos-options.ts';
import type { ChaosCommandOptions } from './chaos-options.ts';
import type { Command } from './command.ts';
import type { Io } from './io.ts';

export const chaos: Command = {
  name: 'chaos',
  summary: 'a proxy that breaks WebSocket connections at chosen frames',
  examples: [
    {
      line: 'longwire chaos --target http://127.0.0.1:8787/v1 --fault cut@down.12',
      about: 'the line is cut before the 12th frame from the server; later connections pass',
    },
    {
      line: 'longwire chaos --target http://127.0.0.1:8787/v1 --fault stall@1.up.3 --fault refuse:503@2',
      about: 'nothing passes from the third request on, and the next upgrade is refused',
    },
    {
      line: 'longwire chaos --target https://api.openai.com/v1 --probability 0.01 --times 5 --seed 7',
      about: 'five faults by chance in front of a hosted server, the same ones each time',
    },
  ],
  optionsHelp: chaosOptionsHelp,

  async run(argv, _env, io) {
    const options = parseChaosOptions(argv);
    const stopped = Promise.withResolvers<void>();
    const removeListener = io.onStopSignal(() => stopped.resolve());
    try {
      await using proxy = await start(options, io);
      io.out.write(`${proxy.url} stands in for ${options.target.href}; Ctrl-C ends it.\n`);
      await stopped.promise;
      io.out.write(`\n${toChaosReport(proxy.connections)}`);
    } finally {
      removeListener();
    }
    return 0;
  },
};

async function start({ target, listen, plan }: ChaosCommandOptions, io: Io): Promise<ChaosProxy> {
  const fate = createFate(plan);
  const options = {
    target,
    port: listen,
    refusalOf: (connection: number) => {
      const status = fate.refusalOf(connection);
      if (status !== null) io.err.write(`refuse:${status}@${connection}\n`);
      return status;
    },
    judge: (place: Parameters<typeof fate.faultAt>[0]) => {
      const fault = fate.faultAt(place);
      if (fault !== null) io.err.write(`${formatFault(fault, place)}\n`);
      return fault;
    },
  };
  return await startChaosProxy(options).catch((error: unknown) => {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw isTaken ? new Error(`Port ${listen} is taken: choose another with --listen, or 0 for a free one.`) : error;
  });
}
