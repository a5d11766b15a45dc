import { describe, expect, it } from 'vitest';
import { chaos } from '../../src/cli/chaos.ts';
import { parseChaosOptions } from '../../src/cli/chaos-options.ts';
import { startTestServer, TestSocket } from '../harness.ts';
import { createTestIo } from './world.ts';

const target = ['--target', 'http://127.0.0.1:1/v1'];

describe('longwire chaos', () => {
  it('stands in for the server until a signal, and tells how to play it again', async () => {
    await using server = await startTestServer();
    const { io, out, err, send } = createTestIo();
    const listening = Promise.withResolvers<string>();
    const told = {
      ...io.out,
      write: (text: string) => {
        out.write(text);
        const [url] = /^http:\/\/\S+/.exec(text) ?? [];
        if (url !== undefined) listening.resolve(url);
      },
    };
    const argv = ['--target', server.url, '--listen', '0', '--fault', 'cut@down.2', '--fault', 'refuse@2'];
    const exit = chaos.run(argv, {}, { ...io, out: told });
    const url = await listening.promise;
    using socket = await TestSocket.open(url);
    socket.create({});
    await expect(socket.turn()).rejects.toThrow('1006');
    await expect(TestSocket.open(url)).rejects.toThrow('503');
    send('SIGINT');
    expect(await exit).toBe(0);
    expect(err.text).toBe('cut@1.down.2\nrefuse:503@2\n');
    expect(out.text).toContain('1 connection, 1 fault.');
    expect(out.text).toContain('Play it again: --fault refuse:503@2 --fault cut@1.down.2');
  });

  it('reads faults and places', () => {
    const words = ['cut@down.12', 'delay:500@2.up.3', 'close-after:1013@down.1', 'refuse:429@3', 'stall@up.1'];
    const { plan } = parseChaosOptions([...target, ...words.flatMap((word) => ['--fault', word])]);
    expect(plan).toEqual({
      faults: [
        { fault: { kind: 'cut', after: false }, at: { connection: 1, direction: 'down', frame: 12 } },
        { fault: { kind: 'delay', ms: 500 }, at: { connection: 2, direction: 'up', frame: 3 } },
        { fault: { kind: 'close', after: true, code: 1013 }, at: { connection: 1, direction: 'down', frame: 1 } },
        { fault: { kind: 'stall' }, at: { connection: 1, direction: 'up', frame: 1 } },
      ],
      refusals: [{ status: 429, connection: 3 }],
      random: null,
    });
  });

  it('draws by a seed where it is given a probability', () => {
    const argv = [...target, '--probability', '0.5', '--seed', '7', '--kinds', 'cut,stall'];
    expect(parseChaosOptions(argv).plan.random).toEqual({
      seed: 7,
      probability: 0.5,
      kinds: ['cut', 'stall'],
      times: 1,
    });
  });

  it.each([
    [['--fault', 'cut@down.1'], '--target needs the base URL'],
    [[...target, '--fault', 'cut'], "--fault needs FAULT@PLACE, as in cut@down.12 or delay:500@2.up.3, but got 'cut'."],
    [[...target, '--fault', 'cutt@down.1'], 'There is no fault cutt. Did you mean cut?'],
    [[...target, '--fault', 'cut:5@down.1'], '--fault cut does not go with :5.'],
    [[...target, '--fault', 'close:1005@down.1'], '--fault close does not go with :1005.'],
    [[...target, '--fault', 'refuse@down.1'], 'as in refuse:503@2.'],
    [[...target, '--seed', '1'], '--seed goes with --probability only.'],
    [[...target, '--probability', '2'], '--probability needs a number above 0, up to 1.'],
    [[...target, '--listen', '65536'], '--listen needs a whole number from 0 to 65,535.'],
    [[...target, '--flaut', 'x'], 'Unknown option --flaut. Did you mean --fault?'],
  ])('a mistake on the command line is a sentence: %j', (argv, sentence) => {
    expect(() => parseChaosOptions(argv)).toThrow(sentence);
  });

  it('says so when its port is taken', async () => {
    await using server = await startTestServer();
    const argv = [...target, '--listen', new URL(server.url).port];
    await expect(chaos.run(argv, {}, createTestIo().io)).rejects.toThrow('is taken: choose another with --listen');
  });
});
