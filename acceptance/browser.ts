/**
 * `npm run acceptance:browser`: `@longwire/client` in a real browser. A page of another origin holds two conversations with a server
 * that restarts between their turns: one on a lane, one by `createFetch`. No part of CI: it needs Chromium, and installs nothing.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { bundleClient } from '../packages/client/test/bundle.ts';
import { check, renderChecks } from './checks.ts';
import type { Check } from './checks.ts';
import { keyVariable, startLongwire } from './longwire.ts';
import type { Longwire } from './longwire.ts';
import { renderTalk, talk } from './workload.ts';

const program = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function run(): Promise<number> {
  if (!existsSync(program)) {
    console.error(`There is no ${program}: apt-get install chromium, or say where one is in CHROMIUM.`);
    return 1;
  }
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const folder = mkdtempSync(join(tmpdir(), 'longwire-browser-'));
  const files = new Map<string, string>();
  const pages = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    const type = request.url === '/' ? 'text/html' : 'text/javascript';
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': type }).end(file);
  });
  try {
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const start = (port: number) =>
      startLongwire({
        folder,
        signal: interrupted.signal,
        workload: renderTalk(),
        flags: ['--allow-origin', origin, '--subprotocol-keys', '--store', 'off'],
        port,
      });
    const first = await start(0);
    files.set('/client.js', await bundleClient('connect', 'createFetch'));
    files.set('/', renderPage(first));
    const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: program,
      headless: true,
      args: switches,
    });
    try {
      const page = await browser.newPage();
      await page.goto(origin);
      const checks = await play(page, first, () => start(Number(new URL(first.baseUrl).port)));
      const bytes = gzipSync(files.get('/client.js') ?? '').length;
      console.log(renderChecks(`Chromium ${browser.browser()?.version() ?? ''}, a client of ${bytes} bytes`, checks));
      return checks.every(({ holds }) => holds) ? 0 : 1;
    } finally {
      await browser.close();
      await first[Symbol.asyncDispose]();
    }
  } finally {
    pages.close();
    pages.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the page's conversations said. */
interface Said {
  readonly lane: string;
  readonly fetched: string;
  /** How the second one travelled. */
  readonly transport: string | null;
}

/** One turn of both conversations, a restart, and two more. */
async function play(page: Page, first: Longwire, restart: () => Promise<Longwire>): Promise<Check[]> {
  const before = await ask(page, 'one');
  const items = async (server: Longwire) => (await server.newTurns(2)).map(({ newItems }) => newItems);
  const firstItems = await items(first);
  const exitCode = await first.stop();
  await using second = await restart();
  const after = await ask(page, 'two');
  const replayed = await items(second);
  const later = await ask(page, 'three');
  const deltas = await items(second);
  const said = [before, after, later];
  const states = await page.evaluate<string[]>('states');
  const models = await page.evaluate<string[]>('listModels()');
  return [
    check('the first server stopped', exitCode === 0, exitCode),
    check(
      'the lane went on',
      equal(
        said.map(({ lane }) => lane),
        talk,
      ),
      said.map(({ lane }) => lane),
    ),
    check(
      'createFetch went on',
      equal(
        said.map(({ fetched }) => fetched),
        talk,
      ),
      said.map(({ fetched }) => fetched),
    ),
    check(
      'over sockets',
      said.every(({ transport }) => transport === 'websocket'),
      said.map(({ transport }) => transport),
    ),
    check('a new server got both conversations whole, once', equal(replayed, [3, 3]), replayed),
    check('all else was deltas', equal([...firstItems, ...deltas], [1, 1, 1, 1]), [firstItems, deltas]),
    check('other calls go over HTTP', equal(models, [second.model]), models),
    check('the page was told', states.includes('replaying') && states.at(-1) !== 'fallback', states),
    check('nothing was complained about', second.newComplaints().length === 0, second.newComplaints()),
  ];
}

function ask(page: Page, text: string): Promise<Said> {
  return page.evaluate<Said>(`ask(${JSON.stringify(text)})`);
}

function equal(seen: readonly unknown[], wanted: readonly unknown[]): boolean {
  return JSON.stringify(seen) === JSON.stringify(wanted);
}

/** A page that holds both conversations. */
function renderPage({ baseUrl, model, env }: Longwire): string {
  const settings = { baseUrl, model, apiKey: env[keyVariable] };
  return `<!doctype html><meta charset="utf-8"><title>Longwire</title><script type="module">
import { connect, createFetch } from './client.js';

const { baseUrl, model, apiKey } = ${JSON.stringify(settings)};
window.states = [];
const onStatus = ({ state }) => states.push(state);
const opening = connect({ baseUrl, apiKey, keyInSubprotocol: true, onStatus });
const fetch = createFetch({ keyInSubprotocol: true, idleMs: Infinity });
const headers = { authorization: 'Bearer ' + apiKey, 'content-type': 'application/json' };
const history = [];
const textOf = ({ output }) => output[0].content[0].text;

window.listModels = async () => (await (await fetch(baseUrl + '/models', { headers })).json()).data.map(({ id }) => id);
window.ask = async (text) => {
  const lane = (await opening).lane();
  const said = textOf(await lane.create({ model, input: text }).response);
  history.push({ role: 'user', content: text });
  const body = JSON.stringify({ model, store: false, input: history });
  const answer = await fetch(baseUrl + '/responses', { method: 'POST', headers, body });
  const response = await answer.json();
  history.push(...response.output);
  return { lane: said, fetched: textOf(response), transport: answer.headers.get('longwire-transport') };
};
</script>`;
}

process.exitCode = await run();
